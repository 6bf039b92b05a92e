// SPDX-License-Identifier: MIT
#include "../state_mapping.h"

#include <sys/mman.h>

#include <cerrno>
#include <new>

#include "backplane/error.h"

namespace backplane::x86 {

X86State* map_state() {
  void* memory = mmap(nullptr, kMappedSize, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw Error::system("memory for a CPU's state", errno);
  if (mprotect(memory, kGuardSize, PROT_NONE) != 0) {
    const int error = errno;
    munmap(memory, kMappedSize);
    throw Error::system("guard page of a CPU's stack", error);
  }
  return new (static_cast<u8*>(memory) + kBelowState) X86State;
}

void unmap_state(X86State* state) {
  if (state != nullptr) munmap(reinterpret_cast<u8*>(state) - kBelowState, kMappedSize);
}

}  // namespace backplane::x86
