// SPDX-License-Identifier: MIT
#include "../guest.h"

namespace backplane::x86::testing {
namespace {

class FastCalls : public ::testing::Test {
 protected:
  explicit FastCalls(std::string_view model = "max") : guest(model) {}

  Guest guest;
  X86State& s() { return guest.state(); }
  Context c() { return guest.context(); }
  void SetUp() override {
    guest.enter_long_mode(3);
    s().star = (u64{0x23} << 48) | (u64{0x08} << 32);
    s().lstar = 0xffff'ffff'8100'0000;
    s().sfmask = kIF | kTF | kDF;
    s().sysenter_cs = 0x08;
    s().sysenter_esp = 0xffff'8000'0000'1000;
    s().sysenter_eip = 0xffff'ffff'8200'0000;
  }
};

TEST_F(FastCalls, SyscallEntersTheKernel) {
  s().rflags = 2 | kIF | kDF | kCF;
  syscall(c(), 0x1236);
  EXPECT_EQ(s().rip, 0xffff'ffff'8100'0000);
  EXPECT_EQ(guest.reg(RCX), 0x1236u);
  EXPECT_EQ(guest.reg(R11), 2 | kIF | kDF | kCF);
  EXPECT_EQ(s().rflags, 2 | kCF);
  EXPECT_EQ(s().cpl(), 0u);
  EXPECT_EQ(s().seg[CS].selector, 0x08);
  EXPECT_EQ(s().seg[SS].selector, 0x10);
  EXPECT_TRUE(s().code64());
}

TEST_F(FastCalls, SysretUndoesSyscall) {
  s().rflags = 2 | kIF | kZF;
  syscall(c(), 0x1236);
  sysret(c(), 8);
  EXPECT_EQ(s().rip, 0x1236u);
  EXPECT_EQ(s().rflags, 2 | kIF | kZF);
  EXPECT_EQ(s().cpl(), 3u);
  EXPECT_EQ(s().seg[CS].selector, 0x33);
  EXPECT_EQ(s().seg[SS].selector, 0x2b);
  EXPECT_TRUE(s().code64());
}

TEST_F(FastCalls, SysretTo32BitCode) {
  syscall(c(), 0x1'0000'1236);
  sysret(c(), 4);
  EXPECT_EQ(s().rip, 0x1236u);
  EXPECT_EQ(s().seg[CS].selector, 0x23);
  EXPECT_FALSE(s().code64());
}

TEST_F(FastCalls, SyscallNeeds64BitCodeAndItsEnableBit) {
  s().efer &= ~kEferSCE;
  expect_fault(kUD, std::nullopt, [&] { syscall(c(), 0); });
  s().efer |= kEferSCE;
  s().seg[CS].attributes = Guest::kAttrCode32 | Guest::kAttrDpl3;
  expect_fault(kUD, std::nullopt, [&] { syscall(c(), 0); });
}

TEST_F(FastCalls, SysretIsPrivilegedAndNeedsACanonicalAddress) {
  expect_fault(kGP, 0, [&] { sysret(c(), 8); });
  syscall(c(), 0x1236);
  guest.reg(RCX) = u64{1} << 47;
  expect_fault(kGP, 0, [&] { sysret(c(), 8); });
  EXPECT_EQ(s().cpl(), 0u);
}

TEST_F(FastCalls, SysenterAndSysexit) {
  s().rflags = 2 | kIF | kCF;
  sysenter(c());
  EXPECT_EQ(s().rip, s().sysenter_eip);
  EXPECT_EQ(guest.reg(RSP), s().sysenter_esp);
  EXPECT_EQ(s().rflags, 2 | kCF);
  EXPECT_EQ(s().cpl(), 0u);
  guest.reg(RDX) = 0x7000;
  guest.reg(RCX) = 0x8000;
  sysexit(c(), 8);
  EXPECT_EQ(s().rip, 0x7000u);
  EXPECT_EQ(guest.reg(RSP), 0x8000u);
  EXPECT_EQ(s().seg[CS].selector, 0x2b);
  EXPECT_EQ(s().seg[SS].selector, 0x33);
  EXPECT_EQ(s().cpl(), 3u);
  expect_fault(kGP, 0, [&] { sysexit(c(), 8); });
  s().sysenter_cs = 3;
  expect_fault(kGP, 0, [&] { sysenter(c()); });
}

// --- AMD's ---------------------------------------------------------------------------------------

class FastCallsOfAmd : public FastCalls {
 protected:
  FastCallsOfAmd() : FastCalls("max,vendor=AuthenticAMD") {}
  void leave_64_bit_code(unsigned dpl) {
    s().seg[CS].attributes = static_cast<u16>(Guest::kAttrCode32 | dpl << 5);
  }
};

TEST_F(FastCallsOfAmd, SyscallOf32BitCodeEntersThroughCstar) {
  leave_64_bit_code(3);
  s().cstar = 0xffff'ffff'8300'0000;
  s().rflags = 2 | kIF | kCF;
  syscall(c(), 0x1236);
  EXPECT_EQ(s().rip, 0xffff'ffff'8300'0000);
  EXPECT_EQ(guest.reg(RCX), 0x1236u);
  EXPECT_EQ(guest.reg(R11), 2 | kIF | kCF);
  EXPECT_EQ(s().rflags, 2 | kCF);
  EXPECT_TRUE(s().code64());
  EXPECT_EQ(s().cpl(), 0u);
  sysret(c(), 4);
  EXPECT_EQ(s().rip, 0x1236u);
  EXPECT_EQ(s().rflags, 2 | kIF | kCF);
  EXPECT_FALSE(s().code64());
  EXPECT_EQ(s().cpl(), 3u);
}

TEST_F(FastCallsOfAmd, SyscallOutsideLongModeEntersThroughStar) {
  guest.enter_protected_mode(3);
  s().efer |= kEferSCE;
  s().star |= 0x12345678;
  s().rflags = 2 | kIF | kCF;
  guest.reg(R11) = 7;
  syscall(c(), 0x1236);
  EXPECT_EQ(s().rip, 0x12345678u);
  EXPECT_EQ(guest.reg(RCX), 0x1236u);
  EXPECT_EQ(guest.reg(R11), 7u);
  EXPECT_EQ(s().rflags, 2 | kCF);
  EXPECT_EQ(s().cpl(), 0u);
  EXPECT_TRUE(s().seg[CS].big());
  sysret(c(), 4);
  EXPECT_EQ(s().rip, 0x1236u);
  EXPECT_EQ(s().rflags, 2 | kIF | kCF);
  EXPECT_EQ(s().cpl(), 3u);
}

TEST_F(FastCallsOfAmd, SyscallNeedsItsEnableBitEverywhere) {
  leave_64_bit_code(3);
  s().efer &= ~kEferSCE;
  expect_fault(kUD, std::nullopt, [&] { syscall(c(), 0); });
  expect_fault(kUD, std::nullopt, [&] { sysret(c(), 4); });
}

TEST_F(FastCallsOfAmd, LongModeHasNoSysenter) {
  expect_fault(kUD, std::nullopt, [&] { sysenter(c()); });
  leave_64_bit_code(3);
  expect_fault(kUD, std::nullopt, [&] { sysenter(c()); });
  leave_64_bit_code(0);
  expect_fault(kUD, std::nullopt, [&] { sysexit(c(), 4); });
}

TEST_F(FastCallsOfAmd, CpuidShowsSyscallIn32BitCodeToo) {
  constexpr u32 kSyscall = 1u << 11;
  leave_64_bit_code(3);
  EXPECT_NE(guest.cpu().cpuid(0x80000001, 0).edx & kSyscall, 0u);
}

}  // namespace
}  // namespace backplane::x86::testing
