// SPDX-License-Identifier: MIT
#include "cpuid_faults.h"

#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace backplane::native {

bool host_faults_cpuid() {
  // Says of this thread what is so already, where it can be said at all.
  constexpr unsigned long kExecutes = 1;
  static const bool faults = syscall(SYS_arch_prctl, ARCH_SET_CPUID, kExecutes) == 0;
  return faults;
}

}  // namespace backplane::native
