// SPDX-License-Identifier: MIT
// Encodings that compilers do not make: every form of opcodes.inc with one register as both of
// its operands, with a width that it ignores, with counts that change nothing. The interpreter says
// what is right.
#include <Zydis/Zydis.h>
#include <gtest/gtest.h>

#include "decode/insn.h"
#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

using By = TranslatedGuest::By;
using Mode = NativeProcessor::Mode;

constexpr u8 kPrefixes[] = {0, 0x66, 0xf3, 0xf2};

struct Form {
  Insn insn;
  ZydisDecodedInstruction zydis;
  std::vector<u8> bytes;
};

class Forms : public ::testing::Test {
 protected:
  Forms() {
    ZydisDecoderInit(&long_mode_, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
    ZydisDecoderInit(&compatibility_, ZYDIS_MACHINE_MODE_LONG_COMPAT_32, ZYDIS_STACK_WIDTH_32);
  }

  // Decodes what is complete with an immediate of `immediate` (and zeros). Nothing if one of the
  // decoders does not know it, or it is not translated.
  std::optional<Form> form(std::vector<u8> bytes, u8 immediate, Mode mode = Mode::Long) {
    const std::size_t length = bytes.size();
    bytes.resize(15);
    bytes[length] = immediate;
    Form f;
    const bool wide = mode == Mode::Long;
    if (!decode(bytes.data(), 15, wide ? 64 : 32, f.insn) || !runs_as_itself(f.insn.row.op) ||
        !ZYAN_SUCCESS(ZydisDecoderDecodeInstruction(wide ? &long_mode_ : &compatibility_, nullptr,
                                                    bytes.data(), 15, &f.zydis)))
      return std::nullopt;
    bytes.resize(f.insn.length);
    f.bytes = std::move(bytes);
    return f;
  }

  bool known(const std::vector<u8>& bytes, ZydisDecodedInstruction& z) {
    return ZYAN_SUCCESS(
        ZydisDecoderDecodeInstruction(&compatibility_, nullptr, bytes.data(), bytes.size(), &z));
  }

  struct Outcome {
    bool done = false;
    std::optional<unsigned> fault;
    Registers registers;
    std::vector<u8> memory;
  };
  Outcome run(const std::vector<u8>& code, const Registers& start, Mode mode, By by) {
    for (u64 at = 0; at < Arena::kSize; at += 8) {
      const u64 value = at * 0x9e3779b97f4a7c15;
      std::memcpy(guest_.arena.data() + at, &value, sizeof value);
    }
    Outcome o;
    o.registers = start;
    o.done = guest_.run(code, o.registers, mode, by);
    o.fault = guest_.fault();
    const u8* const memory = guest_.arena.data() + Arena::kSize / 2 - 512;
    o.memory.assign(memory, memory + 1024);
    return o;
  }

  // What differs, or nothing. Flags that are not in `defined` do not count.
  static std::string difference(const Outcome& a, const Outcome& b, u64 defined) {
    if (a.done != b.done || a.fault != b.fault)
      return fmt::format("fault {} and {}", a.fault.value_or(~0u), b.fault.value_or(~0u));
    if (!a.done) return {};
    for (unsigned n = 0; n < 16; ++n)
      if (a.registers.gpr[n] != b.registers.gpr[n])
        return fmt::format("register {}: {:x} and {:x}", n, a.registers.gpr[n], b.registers.gpr[n]);
    if (((a.registers.rflags ^ b.registers.rflags) & defined) != 0)
      return fmt::format("flags {:x} and {:x}", a.registers.rflags, b.registers.rflags);
    if (a.memory != b.memory) return "memory";
    for (const unsigned at : {160u, 576u})  // XMM registers, upper halves of YMM registers
      if (std::memcmp(a.registers.xsave + at, b.registers.xsave + at, 128) != 0)
        return fmt::format("vector registers at {}", at);
    return {};
  }

  // RBX points into the arena, and so does the stack.
  Registers start(u64 flags) const {
    Registers r;
    for (unsigned n = 0; n < 16; ++n) r.gpr[n] = 0x8123456789abcd05 + n * 0x0101010101010101;
    r.gpr[x86::RAX] = 5;
    r.gpr[x86::RDX] = 0;
    r.gpr[x86::RCX] = 0x20;
    r.gpr[x86::RBX] = guest_.arena.middle();
    r.gpr[x86::RSP] = guest_.arena.middle() + 4096;
    r.rflags = 2 | flags;
    const u16 control = 0x37f;
    const u32 mxcsr = 0x1f80;
    const u64 in_use = 7;
    std::memcpy(r.xsave, &control, sizeof control);
    std::memcpy(r.xsave + 24, &mxcsr, sizeof mxcsr);
    for (unsigned at = 160; at < 416; ++at) r.xsave[at] = static_cast<u8>(at * 7);
    for (unsigned at = 576; at < 832; ++at) r.xsave[at] = static_cast<u8>(at * 5);
    std::memcpy(r.xsave + 512, &in_use, sizeof in_use);
    return r;
  }

  static u64 defined_flags(const Form& f, const Registers& r) {
    const ZydisDecodedInstruction& z = f.zydis;
    u64 defined = x86::kArithmeticFlags;
    if (z.cpu_flags == nullptr) return defined;
    const bool shift = z.meta.category == ZYDIS_CATEGORY_SHIFT;
    if (!shift && z.meta.category != ZYDIS_CATEGORY_ROTATE)
      return defined & ~u64{z.cpu_flags->undefined};
    const bool byte = (f.insn.row.operands & kByteOperand) != 0;
    const unsigned bits = byte ? 8 : 8 * f.insn.operand_size();
    const u64 raw = f.insn.immediate_size != 0  ? static_cast<u64>(f.insn.immediate)
                    : (z.opcode & 0xfe) == 0xd0 ? 1
                                                : r.gpr[x86::RCX];
    const u64 count = raw & (bits == 64 ? 63 : 31);
    if (count == 0) return defined;
    if (count != 1) defined &= ~x86::kOF;
    if (shift) defined &= ~x86::kAF;
    if (shift && count >= bits) defined &= ~x86::kCF;
    return defined;
  }

  std::string text(const Form& f) const {
    std::string text = ZydisMnemonicGetString(f.zydis.mnemonic);
    for (const u8 byte : f.bytes) text += fmt::format(" {:02x}", byte);
    return text;
  }

  TranslatedGuest guest_;

 private:
  ZydisDecoder long_mode_, compatibility_;
};

// Not with vector operands: there general registers are never both.
TEST_F(Forms, WithOneRegisterAsBothOperandsDoWhatTheInterpreterDoes) {
  constexpr u16 kReg = kRegRead | kRegWrite, kRm = kRmRead | kRmWrite;
  unsigned compared = 0;
  const auto compare = [&](std::vector<u8> bytes) {
    const auto f = form(std::move(bytes), 0x21);
    if (!f || (f->insn.row.operands & kReg) == 0 || (f->insn.row.operands & kRm) == 0) return;
    const Registers r = start(0);
    ++compared;
    EXPECT_EQ(difference(run(f->bytes, r, Mode::Long, By::Translator),
                         run(f->bytes, r, Mode::Long, By::Interpreter), defined_flags(*f, r)),
              "")
        << text(*f);
  };
  for (const unsigned reg : {1u, 10u, 11u, 14u, 15u}) {  // all that live in memory, and RCX
    const u8 high = reg >> 3;
    const u8 modrm = static_cast<u8>(0xc0 | (reg & 7) << 3 | (reg & 7));
    for (unsigned opcode = 0; opcode < 256; ++opcode)
      for (unsigned prefix = 0; prefix < 4; ++prefix)
        for (unsigned w = 0; w < 2; ++w) {
          for (unsigned map = 0; map < 4; ++map) {
            std::vector<u8> bytes;
            if (prefix != 0) bytes.push_back(kPrefixes[prefix]);
            bytes.push_back(static_cast<u8>(0x40 | w << 3 | high * 5));
            if (map >= 1) bytes.push_back(0x0f);
            if (map >= 2) bytes.push_back(map == 2 ? 0x38 : 0x3a);
            bytes.insert(bytes.end(), {static_cast<u8>(opcode), modrm});
            compare(bytes);
          }
          for (unsigned map = 2; map < 4; ++map)
            compare({0xc4, static_cast<u8>((high != 0 ? 0x40 : 0xe0) | map),
                     static_cast<u8>(w << 7 | (~reg & 15) << 3 | prefix), static_cast<u8>(opcode),
                     modrm});
        }
  }
  EXPECT_GT(compared, 1000u);
}

// A jump to the form is where flags that it would overwrite are given up.
TEST_F(Forms, KeepTheFlagsThatTheyDoNotWrite) {
  constexpr u8 kCarry[] = {0xf8, 0xf9};  // CLC, STC
  unsigned compared = 0;
  const auto compare = [&](std::vector<u8> bytes, u8 immediate) {
    const auto f = form(std::move(bytes), immediate);
    if (!f || f->insn.row.unit != Unit::None) return;
    for (const bool set : {false, true}) {
      std::vector<u8> code = {kCarry[set ? 1 : 0], 0xeb, 0x00};
      code.insert(code.end(), f->bytes.begin(), f->bytes.end());
      const Registers r = start(set ? 0 : x86::kArithmeticFlags);
      ++compared;
      EXPECT_EQ(difference(run(code, r, Mode::Long, By::Translator),
                           run(code, r, Mode::Long, By::Interpreter), defined_flags(*f, r)),
                "")
          << text(*f) << (set ? " after STC" : " after CLC");
    }
  };
  for (unsigned opcode = 0; opcode < 256; ++opcode)
    for (unsigned prefix = 0; prefix < 2; ++prefix)
      for (unsigned w = 0; w < 2; ++w)
        for (unsigned map = 0; map < 2; ++map)
          for (unsigned reg = 0; reg < 8; ++reg)
            for (const u8 immediate : {0x00, 0x01, 0x1f, 0x20, 0x21, 0x3f, 0x40}) {
              std::vector<u8> bytes;
              if (prefix != 0) bytes.push_back(kPrefixes[prefix]);
              if (w != 0) bytes.push_back(0x48);
              if (map != 0) bytes.push_back(0x0f);
              bytes.insert(bytes.end(),
                           {static_cast<u8>(opcode), static_cast<u8>(0xc0 | reg << 3)});
              const auto f = form(bytes, immediate);
              // Without an immediate, once is enough.
              if (!f || (f->insn.immediate_size == 0 && immediate != 0)) continue;
              compare(bytes, immediate);
            }
  EXPECT_GT(compared, 2000u);
}

// Forms whose name does not depend on VEX.W, or depends on it in 64-bit mode only.
TEST_F(Forms, IgnoreVexWidthOutside64BitMode) {
  Registers r = start(0);
  r.gpr[x86::RAX] = r.gpr[x86::RDX] = 0xfffffffd;  // lengths of strings, of which -3 means 3
  for (u64& value : r.gpr) value = static_cast<u32>(value);
  unsigned compared = 0;
  const auto compare = [&](std::vector<u8> bytes) {
    const auto narrow = form(std::move(bytes), 0x0c, Mode::Compatibility);
    if (!narrow) return;
    std::vector<u8> wide = narrow->bytes;
    wide[2] |= 0x80;
    ZydisDecodedInstruction z;
    if (!known(wide, z) || z.mnemonic != narrow->zydis.mnemonic) return;
    ++compared;
    const u64 defined = defined_flags(*narrow, r);
    const Outcome right = run(narrow->bytes, r, Mode::Compatibility, By::Interpreter);
    EXPECT_EQ(difference(run(wide, r, Mode::Compatibility, By::Interpreter), right, defined), "")
        << "interpreted " << text(*narrow);
    EXPECT_EQ(difference(run(wide, r, Mode::Compatibility, By::Translator), right, defined), "")
        << "translated " << text(*narrow);
  };
  for (unsigned opcode = 0; opcode < 256; ++opcode)
    for (unsigned map = 1; map < 4; ++map)
      for (unsigned rest = 0; rest < 8; ++rest)     // VEX.L and pp
        for (const unsigned vvvv : {0x70u, 0x78u})  // register 1, none
          for (const unsigned modrm : {0x03u, 0x13u, 0x1bu, 0xc1u, 0xd1u, 0xd9u, 0xf1u})
            compare({0xc4, static_cast<u8>(0xe0 | map), static_cast<u8>(vvvv | rest),
                     static_cast<u8>(opcode), static_cast<u8>(modrm)});
  EXPECT_GT(compared, 1000u);
}

// VZEROUPPER and VZEROALL clear what the mode has.
TEST_F(Forms, LeaveVectorRegistersAloneThatOnly64BitCodeHas) {
  if (!x86::host_cpu_features().avx) GTEST_SKIP() << "the host processor has no AVX";
  const Registers r = start(0);
  for (const u8 prefix : {0xf8, 0xfc}) {
    const std::vector<u8> code = {0xc5, prefix, 0x77};
    const u64 before = guest_.counters().interpreted;
    const Outcome translated = run(code, r, Mode::Compatibility, By::Translator);
    EXPECT_LE(guest_.counters().interpreted - before, 1u);  // HLT
    const Outcome right = run(code, r, Mode::Compatibility, By::Interpreter);
    for (const unsigned at : {160u, 576u}) {
      EXPECT_EQ(std::memcmp(translated.registers.xsave + at, right.registers.xsave + at, 256), 0);
      EXPECT_EQ(std::memcmp(right.registers.xsave + at + 128, r.xsave + at + 128, 128), 0);
    }
  }
}

}  // namespace
}  // namespace backplane::tcg::testing
