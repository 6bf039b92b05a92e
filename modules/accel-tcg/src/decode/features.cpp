// SPDX-License-Identifier: MIT
#include "decode/features.h"

#include <array>
#include <initializer_list>

#include "decode/opcode_table.h"

namespace backplane::tcg {
namespace {

using enum Feature;

// Not a feature: ModRM, a prefix or the mode decides (by_form).
constexpr Feature kByForm = Count;

using FeatureMap = std::array<std::array<Feature, 256>, 4>;  // [prefix][opcode]

struct Range {
  u8 first, last;
  constexpr Range(unsigned only) : Range(only, only) {}
  constexpr Range(unsigned first, unsigned last)
      : first(static_cast<u8>(first)), last(static_cast<u8>(last)) {}
};
using Prefixes = std::initializer_list<Prefix>;
using Ranges = std::initializer_list<Range>;

constexpr Prefixes kEvery = {kNoPrefix, k66, kF3, kF2};

constexpr void set(FeatureMap& m, Feature feature, Prefixes prefixes, Ranges opcodes) {
  for (const Prefix prefix : prefixes)
    for (const Range range : opcodes)
      for (unsigned opcode = range.first; opcode <= range.last; ++opcode)
        m[prefix][opcode] = feature;
}

constexpr FeatureMap one_byte() {
  FeatureMap m{};
  set(m, kByForm, kEvery, {0x9e, 0x9f});        // SAHF, LAHF
  set(m, kByForm, kEvery, {0xdb, 0xdd, 0xdf});  // FISTTP among them
  return m;
}

constexpr FeatureMap two_byte() {
  FeatureMap m{};
  // STAC, CLAC, SERIALIZE, RDTSCP; CMPXCHG16B, XSAVEC
  set(m, kByForm, kEvery, {0x01, 0xc7});
  set(m, kByForm, {kNoPrefix}, {0xae});          // XSAVE, XSAVEOPT, XRSTOR
  set(m, Sse3, {kF3, kF2}, {0x12});              // MOVSLDUP, MOVDDUP
  set(m, Sse3, {kF3}, {0x16});                   // MOVSHDUP
  set(m, Sse3, {k66, kF2}, {0x7c, 0x7d, 0xd0});  // HADD, HSUB, ADDSUB
  set(m, Sse3, {kF2}, {0xf0});                   // LDDQU
  set(m, FsGsBase, {kF3}, {0xae});
  set(m, Popcnt, {kF3}, {0xb8});
  set(m, Bmi1, {kF3}, {0xbc});  // TZCNT
  set(m, Lzcnt, {kF3}, {0xbd});
  return m;
}

constexpr FeatureMap three_byte_38() {
  FeatureMap m{};
  set(m, Ssse3, {kNoPrefix, k66}, {{0x00, 0x0b}, {0x1c, 0x1e}});
  set(m, Sse41, {k66}, {0x10, {0x14, 0x17}, {0x20, 0x2b}, {0x30, 0x35}, {0x38, 0x41}});
  set(m, Sse42, {k66}, {0x37});  // PCMPGTQ
  set(m, Sha, {kNoPrefix}, {{0xc8, 0xcd}});
  set(m, Gfni, {k66}, {0xcf});
  set(m, Aes, {k66}, {{0xdb, 0xdf}});
  set(m, Movbe, {kNoPrefix, k66}, {{0xf0, 0xf1}});
  set(m, Sse42, {kF2}, {{0xf0, 0xf1}});  // CRC32
  set(m, Adx, kEvery, {0xf6});
  return m;
}

constexpr FeatureMap three_byte_3a() {
  FeatureMap m{};
  set(m, Sse41, {k66}, {{0x08, 0x0e}, {0x14, 0x17}, {0x20, 0x22}, {0x40, 0x42}});
  set(m, Ssse3, {kNoPrefix, k66}, {0x0f});  // PALIGNR
  set(m, Pclmulqdq, {k66}, {0x44});
  set(m, Sse42, {k66}, {{0x60, 0x63}});  // PCMPxSTRx
  set(m, Sha, {kNoPrefix}, {0xcc});
  set(m, Gfni, {k66}, {{0xce, 0xcf}});
  set(m, Aes, {k66}, {0xdf});
  return m;
}

// --- VEX: AVX but for what is said; with 256 bits, integer instructions are AVX2 --------------

constexpr FeatureMap all_avx() {
  FeatureMap m{};
  set(m, Avx, kEvery, {{0x00, 0xff}});
  return m;
}

constexpr FeatureMap vex_0f(bool wide) {
  FeatureMap m = all_avx();
  if (wide) {
    set(m, Avx2, kEvery, {0x70});  // VPSHUFD, VPSHUFHW, VPSHUFLW
    set(m, Avx2, {k66}, {{0x60, 0x6d}, {0x71, 0x76}, {0xd1, 0xe5}, {0xe8, 0xfe}});
  }
  return m;
}

constexpr FeatureMap vex_0f38(bool wide) {
  FeatureMap m = all_avx();
  if (wide)
    set(m, Avx2, {k66}, {{0x00, 0x0b}, {0x1c, 0x1e}, {0x20, 0x2b}, {0x30, 0x35}, {0x37, 0x41}});
  set(m, F16c, {k66}, {0x13});
  set(m, kByForm, {k66}, {{0x18, 0x19}});  // VBROADCASTSS, VBROADCASTSD
  set(m, Avx2, {k66}, {0x16, 0x36, {0x45, 0x47}, {0x58, 0x5a}, {0x78, 0x79}});
  set(m, Fma, {k66}, {{0x96, 0x9f}, {0xa6, 0xaf}, {0xb6, 0xbf}});
  set(m, AvxGfni, {k66}, {0xcf});
  set(m, wide ? Vaes : AvxAes, {k66}, {{0xdb, 0xdf}});
  set(m, Bmi1, {kNoPrefix}, {{0xf2, 0xf3}, 0xf7});  // ANDN, BLSR and its kin, BEXTR
  set(m, Bmi2, kEvery, {{0xf5, 0xf6}});             // BZHI, PEXT, PDEP, MULX
  set(m, Bmi2, {k66, kF3, kF2}, {0xf7});            // SHLX, SARX, SHRX
  return m;
}

constexpr FeatureMap vex_0f3a(bool wide) {
  FeatureMap m = all_avx();
  if (wide) set(m, Avx2, {k66}, {0x0e, 0x0f, 0x42, 0x4c});
  set(m, Avx2, {k66}, {{0x00, 0x02}, {0x38, 0x39}, 0x46});
  set(m, F16c, {k66}, {0x1d});
  set(m, wide ? Vpclmulqdq : AvxPclmulqdq, {k66}, {0x44});
  set(m, AvxGfni, {k66}, {{0xce, 0xcf}});
  set(m, AvxAes, {k66}, {0xdf});
  set(m, Bmi2, {kF2}, {0xf0});  // RORX
  return m;
}

constexpr FeatureMap kLegacy[4] = {one_byte(), two_byte(), three_byte_38(), three_byte_3a()};
constexpr FeatureMap kVex[2][3] = {{vex_0f(false), vex_0f38(false), vex_0f3a(false)},
                                   {vex_0f(true), vex_0f38(true), vex_0f3a(true)}};

Feature by_form(const Insn& i) {
  if (i.vex) return i.memory ? Avx : Avx2;  // a broadcast from a register is newer
  switch (i.opcode) {
    case 0x01:
      if (i.row.op == Op::Nop) return Serialize;
      if (i.row.op == Op::Rdtscp) return Rdtscp;
      return i.row.op == Op::Stac || i.row.op == Op::Clac ? Smap : Base;
    case 0x9e:
    case 0x9f:
      return i.code_bits == 64 ? Lahf : Base;
    case 0xae:
      if (i.row.op == Op::SaveStateOptimized) return Xsaveopt;
      return i.row.op == Op::SaveState || i.row.op == Op::RestoreState ? Xsave : Base;
    case 0xc7:
      if (i.row.op == Op::SaveStateCompact) return Xsavec;
      return i.map == 1 && i.w ? Cx16 : Base;
    default:  // x87
      return i.memory && (i.reg & 7) == 1 ? Sse3 : Base;
  }
}

}  // namespace

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

Feature needed_feature(const Insn& i) {
  const unsigned prefix = i.vex                     ? unsigned{i.vex_pp}
                          : i.repeat_prefix == 0xf2 ? unsigned{kF2}
                          : i.repeat_prefix == 0xf3 ? unsigned{kF3}
                          : i.operand_size_prefix   ? unsigned{k66}
                                                    : unsigned{kNoPrefix};
  const Feature feature =
      i.vex ? kVex[i.vex_l][i.map - 1][prefix][i.opcode] : kLegacy[i.map][prefix][i.opcode];
  return feature == kByForm ? by_form(i) : feature;
}

}  // namespace backplane::tcg
