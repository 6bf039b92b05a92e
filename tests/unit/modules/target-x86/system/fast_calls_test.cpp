// SPDX-License-Identifier: MIT
#include <fmt/format.h>

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

// Whatever it does must be what iret() does.
class ReturnToCode64 : public ::testing::Test {
 protected:
  static constexpr u64 kFrame = 0x21000;

  // Puts the guest where the frame is about to be popped.
  void begin(const u64 (&frame)[5], u64 code, u64 stack, u64 rflags, bool nmi) {
    guest.enter_long_mode(0);
    X86State& s = guest.state();
    s.rflags = rflags;
    s.nmi_blocked = nmi ? 1 : 0;
    s.gpr[RSP] = kFrame;
    s.seg[DS] = {.selector = 0x10, .attributes = 0xc093, .limit = 0xffffffff, .base = 0};
    s.seg[ES] = {.selector = 0x2b, .attributes = 0xc0f3, .limit = 0xffffffff, .base = 0};
    s.seg[FS] = {.selector = 0, .attributes = 0, .limit = 0, .base = 0x1234};
    for (unsigned n = 0; n < 5; ++n) guest.store<u64>(kFrame + 8 * n, frame[n]);
    if ((frame[1] & 0xfffc) != 0) guest.set_descriptor(static_cast<u16>(frame[1]), code);
    if ((frame[4] & 0xfffc) != 0) guest.set_descriptor(static_cast<u16>(frame[4]), stack);
  }
  std::string state() {
    const X86State& s = guest.state();
    std::string text = fmt::format("rip {:x} rsp {:x} flags {:x} nmi {}", s.rip, s.gpr[RSP],
                                   s.rflags, s.nmi_blocked);
    for (const Segment& segment : s.seg)
      text += fmt::format(", {:x} {:x} {:x} {:x}", segment.selector, segment.attributes,
                          segment.limit, segment.base);
    return text;
  }

  Guest guest;
};

TEST_F(ReturnToCode64, DoesWhatIretDoesOrNothing) {
  constexpr u64 kAccessed = u64{1} << 40;
  const u64 codes[] = {0x00af9b000000ffff, 0x00affb000000ffff, 0x00aff9000000ffff,
                       0x00cffb000000ffff, 0x00af7b000000ffff, 0x00afff000000ffff,
                       0x00effb000000ffff};
  const u64 stacks[] = {0x00cf93000000ffff, 0x00cff3000000ffff, 0x00cff1000000ffff,
                        0x00cff2000000ffff, 0x00cf73000000ffff, 0x00cffb000000ffff};
  unsigned done = 0, left = 0;
  for (const u64 code : codes)
    for (const u64 stack : stacks)
      for (const u64 cs : {0x08, 0x33, 0x30, 0x4f, 0x00})
        for (const u64 ss : {0x10, 0x2b, 0x28, 0x00, 0x03, 0x4f})
          for (const u64 flags : {u64{2}, 2 | kIF | kRF | kCF, 2 | kAC | kIOPL, 2 | kTF, 2 | kNT,
                                  2 | kVM, u64{0x3f7fd7}})
            for (const u64 rip : {u64{0x401000}, u64{0xffffffff81000000}, u64{1} << 47}) {
              if ((cs & ~u64{7}) == (ss & ~u64{7}) && cs > 7) continue;
              const u64 frame[5] = {rip, cs, flags, 0x7fffdead0000, ss};
              const bool nmi = flags == (2 | kAC | kIOPL) && ss == 0;
              begin(frame, code, stack, 2 | kIF, nmi);
              const std::string before = state();
              const bool usual = iret_to_code64(guest.context(), frame, code, stack);
              const std::string after = state();
              if (!usual) {
                ++left;
                ASSERT_EQ(after, before);
                continue;
              }
              ++done;
              begin(frame, code, stack, 2 | kIF, nmi);
              ASSERT_NO_THROW(iret(guest.context(), 8, kNextRip)) << fmt::format(
                  "cs {:x} {:x}, ss {:x} {:x}, flags {:x}", cs, code, ss, stack, flags);
              ASSERT_EQ(after, state()) << fmt::format("cs {:x} {:x}, ss {:x} {:x}, flags {:x}", cs,
                                                       code, ss, stack, flags);
              // Nothing was to be written.
              ASSERT_NE(code & kAccessed, 0u);
            }
  EXPECT_GT(done, 20u);
  EXPECT_GT(left, 1000u);
}

}  // namespace
}  // namespace backplane::x86::testing
