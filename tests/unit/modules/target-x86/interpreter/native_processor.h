// SPDX-License-Identifier: MIT
// Executes single instructions on the host processor, as user code.
#pragma once

#include <span>

#include "backplane/x86/state.h"

namespace backplane::x86::testing {

// What an instruction can see and change beside memory.
struct Registers {
  u64 gpr[16] = {};
  u64 rflags = 2;
  alignas(64) u8 xsave[kXsaveSize] = {};
};

class NativeProcessor {
 public:
  NativeProcessor();
  ~NativeProcessor();
  NativeProcessor(const NativeProcessor&) = delete;
  NativeProcessor& operator=(const NativeProcessor&) = delete;

  enum class Mode { Long, Compatibility };  // 64-bit code, or 32-bit code below 4 GiB

  // Executes one instruction that does not branch. RSP must point to accessible memory. With
  // `vector`, the XSAVE image is loaded before and stored after it. Returns the signal that the
  // instruction caused, the registers then being undefined, or 0.
  int run(Mode mode, std::span<const u8> instruction, Registers& registers, bool vector);

 private:
  struct Data;
  u8* writable_ = nullptr;
  u8* executable_ = nullptr;
  Data* data_ = nullptr;
};

}  // namespace backplane::x86::testing
