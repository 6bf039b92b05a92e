// SPDX-License-Identifier: MIT
// What one instruction needs beyond x86-64 with SSE2. Where the architecture asks for two features
// (VEX-encoded AES), both together are one here. [SDM 2 "Instruction Set Reference", column "CPUID
// Feature Flag"]
#pragma once

#include "backplane/types.h"

namespace backplane::tcg {

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

}  // namespace backplane::tcg
