// SPDX-License-Identifier: MIT
#include "decode/features.h"

namespace backplane::tcg {

using enum Feature;

FeatureMask::FeatureMask(const x86::X86Cpu::Features& cpu) {
  const auto add = [this](Feature feature, bool present) {
    if (present) bits_ |= u64{1} << static_cast<unsigned>(feature);
  };
  add(Sse3, cpu.sse3);
  add(Ssse3, cpu.ssse3);
  add(Sse41, cpu.sse41);
  add(Sse42, cpu.sse42);
  add(Popcnt, cpu.popcnt);
  add(Aes, cpu.aes);
  add(Pclmulqdq, cpu.pclmul);
  add(Sha, cpu.sha);
  add(Gfni, cpu.gfni);
  add(Avx, cpu.avx);
  add(Avx2, cpu.avx2);
  add(F16c, cpu.avx && cpu.f16c);
  add(Fma, cpu.avx && cpu.fma);
  add(AvxAes, cpu.avx && cpu.aes);
  add(AvxPclmulqdq, cpu.avx && cpu.pclmul);
  add(AvxGfni, cpu.avx && cpu.gfni);
  add(Vaes, cpu.avx && cpu.vaes);
  add(Vpclmulqdq, cpu.avx && cpu.vpclmulqdq);
  add(Bmi1, cpu.bmi1);
  add(Bmi2, cpu.bmi2);
  add(Lzcnt, cpu.lzcnt);
  add(Movbe, cpu.movbe);
  add(Adx, cpu.adx);
  add(Cx16, cpu.cx16);
  add(Lahf, cpu.lahf);
  add(Smap, cpu.smap);
  add(Serialize, cpu.serialize);
  add(Rdtscp, cpu.rdtscp);
  add(FsGsBase, cpu.fsgsbase);
  add(Xsave, cpu.xsave);
  add(Xsaveopt, cpu.xsaveopt);
  add(Xsavec, cpu.xsavec);
}

}  // namespace backplane::tcg
