// SPDX-License-Identifier: MIT
// Limits and types of segments in 16- and 32-bit code, and segment bases in 64-bit code.
#include <gtest/gtest.h>

#include "test_guest.h"

namespace backplane::x86::testing {
namespace {

class Segmentation : public ::testing::Test {
 protected:
  // Runs one instruction and says whether it went through.
  bool runs(std::initializer_list<int> code) {
    const u64 rip = guest.state().rip;
    const bool done = guest.run(code) == Interpreter::Step::Done;
    guest.state().rip = rip;
    guest.state().shutdown = 0;
    return done;
  }
  TestGuest guest;
};

TEST_F(Segmentation, RealModeStopsAt64KiB) {
  guest.enter_real_mode();
  guest.reg(RBX) = 0xffff;
  EXPECT_TRUE(runs({0x8a, 0x07}));   // mov al, [bx]
  EXPECT_FALSE(runs({0x8b, 0x07}));  // mov ax, [bx]
}

TEST_F(Segmentation, AddressesOf16BitsWrap) {
  guest.enter_real_mode();
  guest.store_value<u8>(0x10, 0x5a);
  guest.reg(RBX) = 0xfff0;
  guest.reg(RSI) = 0x20;
  EXPECT_TRUE(runs({0x8a, 0x00}));  // mov al, [bx+si]
  EXPECT_EQ(guest.reg(RAX) & 0xff, 0x5aU);
}

TEST_F(Segmentation, ALoadedSegmentIsItsSelectorTimes16InRealMode) {
  guest.enter_real_mode();
  guest.reg(RAX) = 0x1234;
  EXPECT_TRUE(runs({0x8e, 0xd8}));  // mov ds, ax
  EXPECT_EQ(guest.state().seg[DS].base, 0x12340U);
  EXPECT_EQ(guest.state().seg[DS].selector, 0x1234);
}

TEST_F(Segmentation, ASegmentEndsAtItsLimit) {
  guest.enter_protected_mode();
  guest.state().seg[DS] = {0x10, 0x4093, 0xff, guest.address(TestGuest::kData)};
  guest.reg(RBX) = 0xfc;
  EXPECT_TRUE(runs({0x8b, 0x03}));  // mov eax, [ebx]
  guest.reg(RBX) = 0xfd;
  EXPECT_FALSE(runs({0x8b, 0x03}));
  EXPECT_EQ(guest.delivered().vector, -1);  // RIP was put back; the handler ran
}

TEST_F(Segmentation, AnExpandDownSegmentBeginsAboveItsLimit) {
  guest.enter_protected_mode();
  guest.state().seg[DS] = {0x10, 0x4097, 0xff, guest.address(TestGuest::kData)};
  guest.reg(RBX) = 0x100;
  EXPECT_TRUE(runs({0x8b, 0x03}));
  guest.reg(RBX) = 0xff;
  EXPECT_FALSE(runs({0x8b, 0x03}));
}

TEST_F(Segmentation, TypesForbidWritesAndReads) {
  guest.enter_protected_mode();
  guest.reg(RBX) = guest.address(TestGuest::kData);
  guest.state().seg[DS].attributes = 0xc091;  // read-only data
  EXPECT_TRUE(runs({0x8b, 0x03}));
  EXPECT_FALSE(runs({0x89, 0x03}));
  EXPECT_FALSE(runs({0x2e, 0x89, 0x03}));  // mov cs:[ebx], eax
  EXPECT_TRUE(runs({0x2e, 0x8b, 0x03}));
  guest.state().seg[CS].attributes = 0xc099;  // execute-only
  EXPECT_FALSE(runs({0x2e, 0x8b, 0x03}));
  guest.state().seg[DS].attributes = 0;  // null
  EXPECT_FALSE(runs({0x8b, 0x03}));
}

TEST_F(Segmentation, OnlyFsAndGsHaveBasesIn64BitCode) {
  guest.store_value<u8>(TestGuest::kData, 0x77);
  guest.state().seg[FS].base = guest.address(TestGuest::kData) - 0x100;
  guest.state().seg[DS].base = 0x123456;
  guest.reg(RBX) = 0x100;
  EXPECT_TRUE(runs({0x64, 0x8a, 0x03}));  // mov al, fs:[rbx]
  EXPECT_EQ(guest.reg(RAX) & 0xff, 0x77U);
  guest.reg(RBX) = guest.address(TestGuest::kData);
  EXPECT_TRUE(runs({0x8a, 0x0b}));  // mov cl, [rbx]
  EXPECT_EQ(guest.reg(RCX) & 0xff, 0x77U);
}

TEST_F(Segmentation, A32BitAddressIn64BitCodeIsZeroExtended) {
  guest.store_value<u8>(TestGuest::kData, 0x66);
  guest.reg(RBX) = guest.address(TestGuest::kData) | u64{1} << 40;
  EXPECT_TRUE(runs({0x67, 0x8a, 0x03}));  // mov al, [ebx]
  EXPECT_EQ(guest.reg(RAX) & 0xff, 0x66U);
}

TEST_F(Segmentation, R13IsNoBaseWhereTheEncodingHasNone) {
  guest.store_value<u8>(TestGuest::kData, 0x44);
  guest.reg(R13) = 0x12345;
  const u32 a = static_cast<u32>(guest.address(TestGuest::kData));
  const auto byte = [&](unsigned n) { return static_cast<int>(a >> 8 * n & 0xff); };
  EXPECT_TRUE(runs({0x67, 0x41, 0x8a, 0x04, 0x25, byte(0), byte(1), byte(2), byte(3)}));
  EXPECT_EQ(guest.reg(RAX) & 0xff, 0x44U);
}

TEST_F(Segmentation, CodeEndsAtItsLimit) {
  const auto enter = [&](u64 rip) {
    guest.enter_protected_mode();
    guest.state().seg[CS].limit = static_cast<u32>(guest.address(0x10));
    guest.state().rip = guest.address(rip);
  };
  enter(0x0e);
  EXPECT_FALSE(runs({0xb8, 1, 2, 3, 4}));  // mov eax, imm32
  enter(0);
  EXPECT_FALSE(runs({0xeb, 0x20}));  // jmp beyond
  enter(0);
  EXPECT_TRUE(runs({0xeb, 0x00}));
}

}  // namespace
}  // namespace backplane::x86::testing
