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

  // 64-bit code, 32-bit code below 4 GiB, or 16-bit code with segments of 64 KiB.
  enum class Mode { Long, Compatibility, Compatibility16 };

  // Where the data and stack segments of 16-bit code begin, below 4 GiB. False if the host's kernel
  // has no such segments (modify_ldt).
  bool set_data_segment(u64 linear);

  // Executes one instruction that does not branch. RSP must point to accessible memory. With
  // `vector`, the XSAVE image is loaded before and stored after it. Returns the signal that the
  // instruction caused, the registers then being undefined, or 0.
  int run(Mode mode, std::span<const u8> instruction, Registers& registers, bool vector);

 private:
  struct Data;
  bool set_segment(unsigned number, u64 linear, bool code);
  u8* writable_ = nullptr;
  u8* executable_ = nullptr;
  Data* data_ = nullptr;
};

}  // namespace backplane::x86::testing
