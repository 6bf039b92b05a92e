// SPDX-License-Identifier: MIT
// /dev/kvm: what this host's KVM can do. [Linux Documentation/virt/kvm/api.rst "System ioctls"]
#pragma once

#include <linux/kvm.h>

#include <optional>
#include <string>
#include <vector>

#include "backplane/types.h"
#include "kernel/descriptor.h"

namespace backplane::kvm {

class System {
 public:
  // Opens the device. Throws Error if it is absent, not permitted, of another API version, or
  // lacks what every guest needs.
  System();
  // Why that would fail, or nullopt. Cheap.
  static std::optional<std::string> unavailable_reason();

  Descriptor create_vm() const;
  // Bytes of a vCPU's shared page and what follows it.
  std::size_t run_size() const;
  // What the host's KVM can offer of each CPUID leaf.
  std::vector<kvm_cpuid_entry2> supported_cpuid() const;
  // The model-specific registers that it can read and write for a guest.
  std::vector<u32> msr_indices() const;
  int capability(int number) const { return device_.try_call(KVM_CHECK_EXTENSION, long{number}); }

 private:
  Descriptor device_;
};

}  // namespace backplane::kvm
