// SPDX-License-Identifier: MIT
#include "state_mapping.h"

#include <sys/mman.h>

#include <cerrno>
#include <new>

#include "backplane/error.h"

namespace backplane::x86 {

namespace {

constexpr std::size_t kGuard = 4096;
constexpr std::size_t kBelow = kGuard + X86Cpu::kStackBelow;
constexpr std::size_t kTotal = kBelow + X86Cpu::kScratchOffset + X86Cpu::kScratchAbove;
static_assert(kBelow % 4096 == 0 && kTotal % 4096 == 0);

}  // namespace

X86State* map_state() {
  void* memory = mmap(nullptr, kTotal, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) throw Error::system("memory for a CPU's state", errno);
  if (mprotect(memory, kGuard, PROT_NONE) != 0) {
    const int error = errno;
    munmap(memory, kTotal);
    throw Error::system("guard page of a CPU's stack", error);
  }
  return new (static_cast<u8*>(memory) + kBelow) X86State;
}

void unmap_state(X86State* state) {
  if (state != nullptr) munmap(reinterpret_cast<u8*>(state) - kBelow, kTotal);
}

}  // namespace backplane::x86
