// SPDX-License-Identifier: MIT
// Saved images of the x87, SSE and AVX registers, and unmasked floating-point exceptions.
#include <gtest/gtest.h>

#include "interpreter/native/fpu_image.h"
#include "judge.h"
#include "native_processor.h"
#include "test_guest.h"

namespace backplane::x86::testing {
namespace {

using interpreter::FpuImage;
using Step = Interpreter::Step;

constexpr u64 kArea = TestGuest::kData;

class FpuState : public ::testing::Test {
 protected:
  static void SetUpTestSuite() { announce_judge(); }

  void SetUp() override {
    guest.reg(RBX) = guest.address(kArea);
    guest.reg(RAX) = 7;
    guest.reg(RDX) = 0;
    std::memset(guest.arena.data() + kArea, 0xee, kXsaveSize);
    fill();
  }
  // Some value in every register.
  void fill() {
    FpuImage image(guest.state());
    image.set_in_use(7);
    image.set<u16>(kFcw, 0x37f);
    image.set<u16>(kFsw, 3 << 11);
    image.set<u8>(kFtw, 0b10111000);
    image.set_mxcsr(0x1fa0);
    for (unsigned n = 0; n < 8; ++n) {
      std::memset(image.st(n), static_cast<int>(0x81 + n), 10);
      std::memset(image.st(n) + 10, 0, 6);
    }
    for (unsigned n = 0; n < 16; ++n) {
      std::memset(image.xmm(n), static_cast<int>(0x20 + n), 16);
      std::memset(image.ymm_high(n), static_cast<int>(0x40 + n), 16);
    }
  }
  Registers registers() {
    Registers r;
    std::copy(std::begin(guest.state().gpr), std::end(guest.state().gpr), r.gpr);
    r.rflags = guest.state().rflags | kIF;
    std::memcpy(r.xsave, guest.state().xsave, sizeof r.xsave);
    return r;
  }
  // Runs one instruction natively and interpreted, and compares the area that it writes, but for
  // MXCSR_MASK, which is the model's.
  void expect_same_area(std::vector<u8> code, u64 size) {
    Registers r = registers();
    ASSERT_EQ(NativeProcessor().run(NativeProcessor::Mode::Long, code, r, true), 0);
    const std::vector<u8> native(guest.arena.data() + kArea, guest.arena.data() + kArea + size);
    std::memset(guest.arena.data() + kArea, 0xee, kXsaveSize);
    guest.load(code);
    ASSERT_EQ(guest.step(), Step::Done);
    const bool has_mask = size >= 512;
    for (u64 n = 0; n < size; ++n)
      if (!has_mask || n < kMxcsrMask || n >= kMxcsrMask + 4) {
        ASSERT_EQ(guest.load_value<u8>(kArea + n), native[n]) << "byte " << n;
      }
    if (has_mask) {
      EXPECT_EQ(guest.load_value<u32>(kArea + kMxcsrMask), 0xffffU);
    }
  }

  TestGuest guest{model_of_judge()};
};

TEST_F(FpuState, FxsaveWritesWhatTheHostWrites) {
  expect_same_area({0x48, 0x0f, 0xae, 0x03}, 512);
  guest.enter_long_mode();
  expect_same_area({0x0f, 0xae, 0x03}, 512);
}

TEST_F(FpuState, XsaveWritesWhatTheHostWrites) {
  std::memset(guest.arena.data() + kArea + 512, 0, 64);
  expect_same_area({0x48, 0x0f, 0xae, 0x23}, 512);
  EXPECT_EQ(guest.load_value<u64>(kArea + 512) & 7, 7U);
}

TEST_F(FpuState, EnvironmentsAreWhatTheHostWrites) {
  expect_same_area({0xd9, 0x33}, 28);  // fnstenv
  SetUp();
  guest.enter_long_mode();
  expect_same_area({0x66, 0xd9, 0x33}, 14);
  SetUp();
  guest.enter_long_mode();
  expect_same_area({0xdd, 0x33}, 108);  // fnsave
}

TEST_F(FpuState, XrstorUndoesWhatHappenedAfterXsave) {
  for (const auto& save : {std::vector<u8>{0x48, 0x0f, 0xae, 0x23},     // xsave64
                           std::vector<u8>{0x48, 0x0f, 0xc7, 0x23},     // xsavec64
                           std::vector<u8>{0x48, 0x0f, 0xae, 0x33}}) {  // xsaveopt64
    guest.enter_long_mode();
    fill();
    std::memset(guest.arena.data() + kArea + 512, 0, 64);
    guest.load(save);
    ASSERT_EQ(guest.step(), Step::Done);
    const X86State before = guest.state();
    std::memset(guest.state().xsave + 32, 0, 384);
    std::memset(guest.state().xsave + 576, 0, 256);
    ASSERT_EQ(guest.run({0x48, 0x0f, 0xae, 0x2b}), Step::Done);  // xrstor64
    EXPECT_EQ(std::memcmp(guest.state().xsave, before.xsave, kXsaveSize), 0);
  }
}

TEST_F(FpuState, XrstorInitializesWhatTheHeaderLeavesOut) {
  std::memset(guest.arena.data() + kArea, 0, kXsaveSize);
  guest.store_value<u32>(kArea + 24, 0x1f80);
  guest.store_value<u64>(kArea + 512, 0);
  ASSERT_EQ(guest.run({0x48, 0x0f, 0xae, 0x2b}), Step::Done);
  EXPECT_EQ(FpuImage(guest.state()).in_use(), 0U);
  ASSERT_EQ(guest.run({0x66, 0x0f, 0x7e, 0xc8}), Step::Done);  // movd eax, xmm1
  EXPECT_EQ(guest.reg(RAX), 0U);
  ASSERT_EQ(guest.run({0xd9, 0x3b}), Step::Done);  // fnstcw [rbx]
  EXPECT_EQ(guest.load_value<u16>(kArea), 0x37f);
}

TEST_F(FpuState, XsaveTouchesOnlyWhatIsRequested) {
  guest.reg(RAX) = 2;
  guest.store_value<u64>(kArea + 512, 1);
  ASSERT_EQ(guest.run({0x48, 0x0f, 0xae, 0x23}), Step::Done);
  EXPECT_EQ(guest.load_value<u8>(kArea), 0xee);
  EXPECT_EQ(guest.load_value<u8>(kArea + 32), 0xee);
  EXPECT_EQ(guest.load_value<u8>(kArea + 160), 0x20);
  EXPECT_EQ(guest.load_value<u64>(kArea + 512), 3U);
  EXPECT_EQ(guest.load_value<u8>(kArea + 576), 0xee);
}

TEST_F(FpuState, XsaveUsesNothingOfWhatItSaves) {
  FpuImage image(guest.state());
  image.set_in_use(2);
  std::memset(guest.arena.data() + kArea + 512, 0, 64);
  ASSERT_EQ(guest.run({0x48, 0x0f, 0xae, 0x23}), Step::Done);  // xsave64
  EXPECT_EQ(guest.load_value<u64>(kArea + 512), 2U);
  EXPECT_EQ(guest.load_value<u16>(kArea + kFcw), 0x37f);
  EXPECT_EQ(guest.load_value<u8>(kArea + kStack), 0);
  EXPECT_EQ(guest.load_value<u8>(kArea + kYmmHigh), 0);
  EXPECT_EQ(image.in_use(), 2U);
}

TEST_F(FpuState, XrstorDropsReservedBitsOfTheX87) {
  std::memset(guest.arena.data() + kArea, 0, kXsaveSize);
  std::memset(guest.arena.data() + kArea + kStack, 0xff, 128);
  guest.store_value<u16>(kArea + kFcw, 0x37f);
  guest.store_value<u16>(kArea + kFtw, 0xffff);
  guest.store_value<u16>(kArea + kFop, 0xffff);
  guest.store_value<u64>(kArea + 512, 1);
  guest.reg(RAX) = 1;
  ASSERT_EQ(guest.run({0x48, 0x0f, 0xae, 0x2b}), Step::Done);  // xrstor64
  std::memset(guest.arena.data() + kArea, 0, kXsaveSize);
  ASSERT_EQ(guest.run({0x48, 0x0f, 0xae, 0x23}), Step::Done);  // xsave64
  EXPECT_EQ(guest.load_value<u16>(kArea + kFtw), 0xff);
  EXPECT_EQ(guest.load_value<u16>(kArea + kFop), 0x7ff);
  for (unsigned n = 0; n < 8; ++n) {
    EXPECT_EQ(guest.load_value<u64>(kArea + kStack + 16 * n), ~u64{0});
    EXPECT_EQ(guest.load_value<u64>(kArea + kStack + 16 * n + 8), 0xffffU);
  }
}

TEST_F(FpuState, MalformedHeadersAreRefused) {
  const auto refused = [&] {
    const bool gp = guest.fault({0x48, 0x0f, 0xae, 0x2b}).vector == kGP;
    guest.enter_long_mode();
    return gp;
  };
  std::memset(guest.arena.data() + kArea, 0, kXsaveSize);
  guest.store_value<u64>(kArea + 512, 8);  // a component that XCR0 does not have
  EXPECT_TRUE(refused());
  guest.store_value<u64>(kArea + 512, 0);
  guest.store_value<u64>(kArea + 520, 1);
  EXPECT_TRUE(refused());
  guest.store_value<u64>(kArea + 520, 0);
  guest.store_value<u32>(kArea + 24, 0x10000);  // reserved bit of MXCSR
  EXPECT_TRUE(refused());
  guest.store_value<u32>(kArea + 24, 0x1f80);
  EXPECT_FALSE(refused());
}

TEST_F(FpuState, AnUnmaskedDivisionByZeroIsASimdException) {
  FpuImage image(guest.state());
  image.set_mxcsr(0x1f80 & ~0x200);
  std::memset(image.xmm(1), 0, 16);
  const u32 one = 0x3f800000;
  std::memcpy(image.xmm(0), &one, 4);
  EXPECT_EQ(guest.fault({0xf3, 0x0f, 0x5e, 0xc1}).vector, kXM);  // divss xmm0, xmm1
  EXPECT_EQ(image.mxcsr() & 0x3f, 4U);
  u32 kept = 0;
  std::memcpy(&kept, image.xmm(0), 4);
  EXPECT_EQ(kept, one);
}

TEST_F(FpuState, ATinyResultIsAnUnderflowWhereThatIsUnmasked) {
  FpuImage image(guest.state());
  struct Case {
    std::initializer_list<int> code;
    float a, b;
    bool tiny;
  };
  const float kSmallest = 0x1p-126F;
  const Case cases[] = {
      {{0xf3, 0x0f, 0x59, 0xc1}, 0x1p-120F, 0x1p-10F, true},         // mulss, exact
      {{0xf3, 0x0f, 0x59, 0xc1}, 0x1.000002p-120F, 0x1p-10F, true},  // inexact
      {{0xf3, 0x0f, 0x59, 0xc1}, 0x1p-120F, 0x1p-6F, false},         // the smallest normal number
      {{0xf3, 0x0f, 0x5c, 0xc1}, kSmallest, kSmallest, false},       // subss: zero
      {{0xf3, 0x0f, 0x5c, 0xc1}, 0x1.8p-126F, kSmallest, true},      // subss
      {{0x0f, 0x5e, 0xc1}, 0x1p-120F, 0x1p10F, true},                // divps
      {{0xc4, 0xe3, 0x79, 0x1d, 0xc0, 0}, 0x1p-20F, 0, true},        // vcvtps2ph xmm0, xmm0
      {{0xc4, 0xe3, 0x79, 0x1d, 0x03, 0}, 0x1p-20F, 0, true},        // vcvtps2ph [rbx], xmm0
      {{0xc4, 0xe3, 0x79, 0x1d, 0xc0, 0}, 0x1p-14F, 0, false},
      {{0xc4, 0xe3, 0x79, 0x1d, 0xc0, 0}, 0x1.fffp-15F, 0, false},  // rounded up to normal
      {{0xc5, 0xf8, 0x5a, 0xc1}, 0x1p-140F, 0x1p-140F, false},      // vcvtps2pd
  };
  for (const Case& c : cases)
    for (const u32 flush : {0U, 0x8000U}) {
      for (unsigned n = 0; n < 4; ++n) {
        std::memcpy(image.xmm(0) + 4 * n, &c.a, 4);
        std::memcpy(image.xmm(1) + 4 * n, &c.b, 4);
      }
      guest.store_value<u64>(kArea, 0x1234);
      image.set_mxcsr((0x1f80 & ~0x800) | flush);
      std::string name;
      for (const int byte : c.code) name += fmt::format("{:02x} ", byte);
      if (!c.tiny) {
        EXPECT_EQ(guest.run(c.code), Step::Done) << name;
        EXPECT_EQ(image.mxcsr() & 0x10, 0U) << name;
        continue;
      }
      EXPECT_EQ(guest.fault(c.code).vector, kXM) << name;
      guest.enter_long_mode();
      EXPECT_EQ(image.mxcsr() & 0x10, 0x10U) << name;
      EXPECT_EQ(std::memcmp(image.xmm(0), &c.a, 4), 0) << name;
      EXPECT_EQ(guest.load_value<u64>(kArea), 0x1234U) << name;
    }
}

TEST_F(FpuState, ATinyResultThatIsExactIsNoUnderflowWhileThatIsMasked) {
  FpuImage image(guest.state());
  image.set_mxcsr(0x1f80 & ~0x200);
  const float a = 0x1p-120F, b = 0x1p-10F;
  std::memset(image.xmm(0), 0, 16);
  std::memcpy(image.xmm(0), &a, 4);
  std::memcpy(image.xmm(1), &b, 4);
  ASSERT_EQ(guest.run({0xf3, 0x0f, 0x59, 0xc1}), Step::Done);  // mulss xmm0, xmm1
  EXPECT_EQ(image.mxcsr() & 0x3f, 0U);
  float product = 0;
  std::memcpy(&product, image.xmm(0), 4);
  EXPECT_EQ(product, 0x1p-130F);
}

TEST_F(FpuState, AnUnmaskedX87ExceptionIsRaisedByTheNextInstruction) {
  FpuImage(guest.state()).initialize(1);
  guest.store_value<u16>(kArea, 0x37b);            // division by zero unmasked
  ASSERT_EQ(guest.run({0xd9, 0x2b}), Step::Done);  // fldcw [rbx]
  ASSERT_EQ(guest.run({0xd9, 0xe8}), Step::Done);  // fld1
  ASSERT_EQ(guest.run({0xd9, 0xee}), Step::Done);  // fldz
  ASSERT_EQ(guest.run({0xd8, 0xf9}), Step::Done);  // fdivr st0, st1
  ASSERT_EQ(guest.run({0xdf, 0xe0}), Step::Done);  // fnstsw ax
  EXPECT_EQ(guest.reg(RAX) & 0x84, 0x84U);
  EXPECT_EQ(guest.fault({0xd9, 0xe8}).vector, kMF);
  guest.enter_long_mode();
  ASSERT_EQ(guest.run({0xdb, 0xe2}), Step::Done);  // fnclex
  EXPECT_EQ(guest.run({0xd9, 0xe8}), Step::Done);
}

TEST_F(FpuState, InstructionPointersAreTheGuests) {
  FpuImage(guest.state()).initialize(1);
  guest.run({0xd9, 0xe8});
  EXPECT_EQ(FpuImage(guest.state()).get<u64>(kFip), guest.address(0));
}

TEST_F(FpuState, TheHostsOwnControlIsPreserved) {
  FpuImage image(guest.state());
  image.set_mxcsr(0x1f80 | 0x6000);
  image.initialize(1);
  image.set<u16>(kFcw, 0xf7f);
  guest.run({0x0f, 0x58, 0xc1});  // addps
  guest.run({0xd9, 0xe8});
  EXPECT_EQ(__builtin_ia32_stmxcsr() & 0x6000, 0U);
  u16 control = 0;
  asm volatile("fnstcw %0" : "=m"(control));
  EXPECT_EQ(control, 0x37f);
}

TEST_F(FpuState, GathersResumeAfterAFault) {
  const u64 second = kArea + kPageSize;
  guest.store_value<u32>(kArea, 0x11111111);
  guest.store_value<u32>(second, 0x22222222);
  guest.memory.set_rights(second / kPageSize, ArenaMemory::kNone);
  FpuImage image(guest.state());
  const i32 indices[4] = {0, static_cast<i32>(kPageSize), 0, 0};
  std::memcpy(image.xmm(1), indices, 16);
  std::memset(image.xmm(2), 0xff, 16);
  // vpgatherdd xmm0, [rbx+xmm1], xmm2
  EXPECT_EQ(guest.fault({0xc4, 0xe2, 0x69, 0x90, 0x04, 0x0b}).vector, kPFVector);
  u32 mask[4];
  std::memcpy(mask, image.xmm(2), 16);
  EXPECT_EQ(mask[0], 0U);
  EXPECT_EQ(mask[1], ~0U);
  guest.memory.set_rights(second / kPageSize, ArenaMemory::kReadWrite);
  guest.enter_long_mode();
  EXPECT_EQ(guest.run({0xc4, 0xe2, 0x69, 0x90, 0x04, 0x0b}), Step::Done);
  u32 result[4];
  std::memcpy(result, image.xmm(0), 16);
  EXPECT_EQ(result[0], 0x11111111U);
  EXPECT_EQ(result[1], 0x22222222U);
  EXPECT_EQ(result[3], 0x11111111U);
}

TEST_F(FpuState, MaskedMovesDoNotTouchWhatTheMaskLeavesOut) {
  guest.memory.set_rights(kArea / kPageSize + 1, ArenaMemory::kNone);
  guest.reg(RBX) = guest.address(kArea + kPageSize - 8);
  FpuImage image(guest.state());
  const u32 mask[4] = {~0U, ~0U, 0, 0};
  std::memcpy(image.xmm(1), mask, 16);
  EXPECT_EQ(guest.run({0xc4, 0xe2, 0x71, 0x2e, 0x13}), Step::Done);  // vmaskmovps [rbx],xmm1,xmm2
  EXPECT_EQ(guest.load_value<u64>(kArea + kPageSize - 8), 0x2222222222222222U);
  EXPECT_EQ(guest.run({0xc4, 0xe2, 0x71, 0x2c, 0x1b}), Step::Done);  // vmaskmovps xmm3,xmm1,[rbx]
}

}  // namespace
}  // namespace backplane::x86::testing
