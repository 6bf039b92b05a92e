// SPDX-License-Identifier: MIT
// Which CPUID feature an instruction of the opcode table needs, and which of them a CPU has.
#pragma once

#include "backplane/x86/cpu.h"
#include "decode/insn.h"

namespace backplane::tcg {

// What one instruction needs beyond x86-64 with SSE2. Where the architecture asks for two features
// (VEX-encoded AES), both together are one here. [SDM 2 "Instruction Set Reference", column "CPUID
// Feature Flag"]
enum class Feature : u8 {
  Base,
  Sse3,
  Ssse3,
  Sse41,
  Sse42,
  Popcnt,
  Aes,
  Pclmulqdq,
  Sha,
  Gfni,
  Avx,
  Avx2,
  F16c,
  Fma,
  AvxAes,
  AvxPclmulqdq,
  AvxGfni,
  Vaes,        // AES on 256 bits
  Vpclmulqdq,  // PCLMULQDQ on 256 bits
  Bmi1,
  Bmi2,
  Lzcnt,
  Movbe,
  Adx,
  Cx16,
  Lahf,
  Smap,
  Serialize,
  Rdtscp,
  FsGsBase,
  Xsave,
  Xsaveopt,
  Xsavec,
  Count
};

// A set of features; Feature::Base is always in it.
class FeatureMask {
 public:
  FeatureMask() = default;
  explicit FeatureMask(const x86::X86Cpu::Features& cpu);

  bool has(Feature feature) const { return (bits_ >> static_cast<unsigned>(feature) & 1) != 0; }
  // Keeps what is in both.
  FeatureMask& operator&=(FeatureMask other) {
    bits_ &= other.bits_;
    return *this;
  }

 private:
  static_assert(static_cast<unsigned>(Feature::Count) <= 64);
  u64 bits_ = 1;
};

// What a decoded instruction needs. Without BMI1 and LZCNT, TZCNT and LZCNT are not invalid but
// BSF and BSR. Of an instruction that the opcode table leaves to the interpreter the answer means
// nothing.
Feature needed_feature(const Insn& insn);

}  // namespace backplane::tcg
