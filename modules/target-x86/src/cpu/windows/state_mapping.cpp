// SPDX-License-Identifier: MIT
#include "../state_mapping.h"

#include <windows.h>

#include <cerrno>
#include <new>

#include "backplane/error.h"

namespace backplane::x86 {

X86State* map_state() {
  void* const memory = VirtualAlloc(nullptr, kMappedSize, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  if (memory == nullptr) throw Error::system("memory for a CPU's state", ENOMEM);
  DWORD before = 0;
  if (!VirtualProtect(memory, kGuardSize, PAGE_NOACCESS, &before)) {
    VirtualFree(memory, 0, MEM_RELEASE);
    throw Error::system("guard page of a CPU's stack", ENOMEM);
  }
  return new (static_cast<u8*>(memory) + kBelowState) X86State;
}

void unmap_state(X86State* state) {
  if (state != nullptr) VirtualFree(reinterpret_cast<u8*>(state) - kBelowState, 0, MEM_RELEASE);
}

}  // namespace backplane::x86
