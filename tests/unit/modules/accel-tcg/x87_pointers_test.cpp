// SPDX-License-Identifier: MIT
// What a program can save of the x87's pointers are its own addresses: translated code and the
// interpreter run it on the host's x87, which keeps the host's.
#include "backplane/x86/x87_pointers.h"

#include <gtest/gtest.h>
#include <xbyak/xbyak.h>

#include "random_instruction.h"
#include "translated_guest.h"

namespace backplane::tcg::testing {
namespace {

using x86::X87Pointers;
using By = TranslatedGuest::By;
using Mode = NativeProcessor::Mode;

constexpr u64 kControlWords = 0x800, kAreas = 0x1000, kOperands = 0x3000;
constexpr u16 kAllMasked = 0x37f, kNoneMasked = 0x340;

struct Outcome {
  bool done = false;
  u64 end = 0;
  std::optional<unsigned> fault;
  X87Pointers pointers;
};

class X87PointersTest : public ::testing::Test {
 protected:
  void SetUp() override { std::memset(guest.arena.data(), 0, Arena::kSize); }

  Outcome run(const std::vector<u8>& code, By by, Mode mode = Mode::Long) {
    Registers r{};
    r.rflags = 2;
    r.gpr[x86::RSP] = guest.arena.address(kAreas);
    r.gpr[x86::RBX] = guest.arena.address(kOperands);
    r.gpr[x86::R10] = guest.arena.address(kOperands) - 0x100;
    r.gpr[x86::R11] = 0x40;
    r.gpr[x86::RDI] = guest.arena.address(kAreas);
    const u32 mxcsr = 0x1f80;
    std::memcpy(r.xsave + 24, &mxcsr, sizeof mxcsr);
    r.xsave[X87Pointers::kHeaderAt] = 2;
    Outcome o;
    o.done = guest.run(code, r, mode, by);
    o.end = guest.end();
    o.fault = guest.fault();
    X86State& s = *state;
    std::memcpy(s.xsave, r.xsave, sizeof s.xsave);
    o.pointers = x87_pointers(s);
    return o;
  }

  // Three registers are in use, and the form comes behind.
  std::vector<u8> with_form(u16 control, const std::vector<u8>& form, u64& form_at, bool wait) {
    std::memcpy(guest.arena.data() + kControlWords, &control, sizeof control);
    std::vector<u8> code = {0xdb, 0xe3, 0xd9, 0xe8, 0xd9, 0xeb, 0xd9, 0xe8};
    // FLDCW [rbx + distance]
    const u32 distance = static_cast<u32>(kControlWords - kOperands);
    for (const u8 byte : {0xd9, 0xab}) code.push_back(byte);
    for (unsigned n = 0; n < 4; ++n) code.push_back(static_cast<u8>(distance >> (8 * n)));
    form_at = guest.arena.address(code.size());
    code.insert(code.end(), form.begin(), form.end());
    code.push_back(0x90);
    if (wait) code.push_back(0x9b);
    return code;
  }

  void expect_own_pointers(const std::vector<u8>& form, u16 control, Mode mode) {
    u64 form_at = 0;
    const std::vector<u8> code = with_form(control, form, form_at, true);
    const Outcome translated = run(code, By::Translator, mode);
    std::memset(guest.arena.data() + kOperands - 0x200, 0, 0x400);
    const Outcome interpreted = run(code, By::Interpreter, mode);
    std::memset(guest.arena.data() + kOperands - 0x200, 0, 0x400);
    std::string name;
    for (const u8 byte : form) name += fmt::format("{:02x} ", byte);
    ASSERT_EQ(translated.done, interpreted.done) << name;
    ASSERT_EQ(translated.end, interpreted.end) << name;
    ASSERT_EQ(translated.fault, interpreted.fault) << name;
    EXPECT_EQ(translated.pointers.instruction, interpreted.pointers.instruction) << name;
    EXPECT_EQ(translated.pointers.operand, interpreted.pointers.operand) << name;
    EXPECT_EQ(translated.pointers.opcode, interpreted.pointers.opcode) << name;
    // Nothing but this code was run.
    const u64 at = translated.pointers.instruction;
    EXPECT_TRUE(at == 0 || (at > guest.arena.address() && at <= form_at)) << name << at;
    const u64 operand = translated.pointers.operand;
    EXPECT_TRUE(operand == 0 || operand - guest.arena.address(kOperands - 0x400) < 0x800)
        << name << operand;
  }

  void expect_own_pointers_of_all_forms(u16 control, Mode mode) {
    for (unsigned opcode = 0xd8; opcode < 0xe0; ++opcode)
      for (unsigned modrm = 0; modrm < 0x100; ++modrm) {
        const u8 op = static_cast<u8>(opcode), second = static_cast<u8>(modrm);
        if (modrm >= 0xc0) {
          expect_own_pointers({op, second}, control, mode);
        } else if ((modrm & 7) == 3 && modrm < 0x80) {
          // [rbx], [rbx + 40h]
          std::vector<u8> form = {op, second};
          if (modrm >= 0x40) form.push_back(0x40);
          expect_own_pointers(form, control, mode);
        } else if ((modrm & 0xc7) == 0x04 && mode == Mode::Long) {
          expect_own_pointers({0x43, op, second, 0x9a}, control, mode);  // [r10 + r11 * 4]
        } else if ((modrm & 0xc7) == 0x05 && mode == Mode::Long) {
          expect_own_pointers({op, second, 0xe0, 0x2f, 0, 0}, control, mode);  // [rip + 2fe0h]
        }
        if (HasFailure()) return;
      }
  }

  TranslatedGuest guest;
  std::unique_ptr<X86State> state = std::make_unique<X86State>();
};

TEST_F(X87PointersTest, AreTheProgramsOwnAfterEveryForm) {
  expect_own_pointers_of_all_forms(kAllMasked, Mode::Long);
}

TEST_F(X87PointersTest, AreTheProgramsOwnWhereExceptionsAreUnmasked) {
  expect_own_pointers_of_all_forms(kNoneMasked, Mode::Long);
}

TEST_F(X87PointersTest, AreTheProgramsOwnIn32BitCode) {
  expect_own_pointers_of_all_forms(kAllMasked, Mode::Compatibility);
}

TEST_F(X87PointersTest, NameTheInstructionBeforeTheOneThatRaisesItsException) {
  u64 form_at = 0;
  // FDIV qword [rbx] by zero, FLD1: it waits.
  const std::vector<u8> code =
      with_form(kNoneMasked, {0xdc, 0x33, 0x90, 0xd9, 0xe8}, form_at, false);
  for (const By by : {By::Translator, By::Interpreter}) {
    const Outcome o = run(code, by);
    EXPECT_EQ(o.fault, x86::kMF);
    EXPECT_EQ(o.end, form_at + 3);
    EXPECT_EQ(o.pointers, (X87Pointers{form_at, guest.arena.address(kOperands), 0x433}));
  }
}

TEST_F(X87PointersTest, OutlastWhatHappensToTheHosts) {
  u64 form_at = 0;
  // FMUL dword [rbx]; CPUID, which leaves translated code; FNSTSW AX; MOVAPS.
  const std::vector<u8> code =
      with_form(kAllMasked, {0xd8, 0x0b, 0x53, 0x0f, 0xa2, 0x5b, 0xdf, 0xe0, 0x0f, 0x28, 0xc1},
                form_at, true);
  for (const By by : {By::Translator, By::Interpreter})
    EXPECT_EQ(run(code, by).pointers,
              (X87Pointers{form_at, guest.arena.address(kOperands), 0x00b}));
}

TEST_F(X87PointersTest, AreInEverySavedImage) {
  struct Save {
    std::vector<u8> code;
    unsigned instruction_at, operand_at;
    u64 mask;
  };
  const Save saves[] = {
      {{0xd9, 0x37}, 12, 20, 0xffffffff},                                        // FNSTENV [rdi]
      {{0xdd, 0x37}, 12, 20, 0xffffffff},                                        // FNSAVE [rdi]
      {{0x0f, 0xae, 0x07}, 8, 16, 0xffffffff},                                   // FXSAVE [rdi]
      {{0x48, 0x0f, 0xae, 0x07}, 8, 16, ~u64{0}},                                // FXSAVE64
      {{0x31, 0xd2, 0xb8, 7, 0, 0, 0, 0x48, 0x0f, 0xae, 0x27}, 8, 16, ~u64{0}},  // XSAVE64
      {{0x31, 0xd2, 0xb8, 7, 0, 0, 0, 0x0f, 0xae, 0x27}, 8, 16, 0xffffffff},     // XSAVE
  };
  for (const Save& save : saves)
    for (const By by : {By::Translator, By::Interpreter}) {
      std::vector<u8> form = {0xdc, 0x0b};  // FMUL qword [rbx]
      form.insert(form.end(), save.code.begin(), save.code.end());
      u64 form_at = 0;
      const std::vector<u8> code = with_form(kAllMasked, form, form_at, false);
      ASSERT_TRUE(run(code, by).done);
      u64 instruction = 0, operand = 0;
      std::memcpy(&instruction, guest.arena.data() + kAreas + save.instruction_at, 8);
      std::memcpy(&operand, guest.arena.data() + kAreas + save.operand_at, 8);
      EXPECT_EQ(instruction & save.mask, form_at & save.mask) << save.code.size();
      EXPECT_EQ(operand & save.mask, guest.arena.address(kOperands) & save.mask)
          << save.code.size();
    }
}

TEST_F(X87PointersTest, AreNotTouchedByVectorInstructions) {
  x86::testing::InstructionGenerator generator(guest.arena, 20261129);
  generator.fill_arena();
  for (unsigned n = 0; n < 3000; ++n) {
    const x86::testing::RandomInstruction i =
        generator.next(x86::testing::InstructionClass::Vector);
    Registers r = i.registers;
    r.xsave[X87Pointers::kHeaderAt] = 6;
    guest.run(i.bytes, r);
    std::memcpy(state->xsave, r.xsave, sizeof state->xsave);
    const bool x87 = i.decoded.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT;  // or FWAIT
    if (x87) continue;
    ASSERT_EQ(x87_pointers(*state), X87Pointers{}) << i.text();
  }
}

}  // namespace
}  // namespace backplane::tcg::testing
