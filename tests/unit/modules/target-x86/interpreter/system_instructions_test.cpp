// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <thread>

#include "test_guest.h"

namespace backplane::x86::testing {
namespace {

using Step = Interpreter::Step;

class SystemInstructions : public ::testing::Test {
 protected:
  TestGuest guest;
};

TEST_F(SystemInstructions, StiHoldsInterruptsOffForOneInstruction) {
  guest.run({0xfb});
  EXPECT_NE(guest.state().rflags & kIF, 0U);
  EXPECT_EQ(guest.state().interrupt_shadow, 1);
  guest.run({0xfb});  // IF was set already: no shadow
  EXPECT_EQ(guest.state().interrupt_shadow, 0);
}

TEST_F(SystemInstructions, HltIsReportedWithRipAfterIt) {
  EXPECT_EQ(guest.run({0xf4}), Step::Halted);
  EXPECT_EQ(guest.state().rip, guest.address(1));
}

TEST_F(SystemInstructions, TablesAreLoadedAndStored) {
  guest.store_value<u16>(TestGuest::kData, 0x1ff);
  guest.store_value<u64>(TestGuest::kData + 2, 0xffff888000001000);
  guest.reg(RBX) = guest.address(TestGuest::kData);
  guest.run({0x0f, 0x01, 0x13});  // lgdt [rbx]
  EXPECT_EQ(guest.state().gdtr.limit, 0x1ff);
  EXPECT_EQ(guest.state().gdtr.base, 0xffff888000001000U);
  guest.reg(RBX) = guest.address(TestGuest::kData + 64);
  guest.run({0x0f, 0x01, 0x03});  // sgdt [rbx]
  EXPECT_EQ(guest.load_value<u16>(TestGuest::kData + 64), 0x1ff);
  EXPECT_EQ(guest.load_value<u64>(TestGuest::kData + 66), 0xffff888000001000U);
}

TEST_F(SystemInstructions, A16BitTableLoadTakes24BitsOfBase) {
  guest.enter_real_mode();
  guest.store_value<u16>(0x100, 0x27);
  guest.store_value<u32>(0x102, 0xff123456);
  guest.run({0x0f, 0x01, 0x16, 0x00, 0x01});  // lgdt [0x100]
  EXPECT_EQ(guest.state().gdtr.base, 0x123456U);
  guest.run({0x66, 0x0f, 0x01, 0x16, 0x00, 0x01});
  EXPECT_EQ(guest.state().gdtr.base, 0xff123456U);
}

TEST_F(SystemInstructions, BasesOfFsAndGsAreReadAndWritten) {
  guest.reg(RAX) = 0x7fff12345678;
  guest.run({0xf3, 0x48, 0x0f, 0xae, 0xd0});  // wrfsbase rax
  EXPECT_EQ(guest.state().seg[FS].base, 0x7fff12345678U);
  guest.state().seg[GS].base = 0x1122334455;
  guest.run({0xf3, 0x48, 0x0f, 0xae, 0xcb});  // rdgsbase rbx
  EXPECT_EQ(guest.reg(RBX), 0x1122334455U);
}

TEST_F(SystemInstructions, CpuidZeroExtends) {
  for (const Gpr n : {RAX, RBX, RCX, RDX}) guest.reg(n) = ~u64{0};
  guest.reg(RAX) = 0;
  guest.run({0x0f, 0xa2});
  const CpuidResult expected = guest.cpu->cpuid(0, 0);
  EXPECT_EQ(guest.reg(RAX), expected.eax);
  EXPECT_EQ(guest.reg(RBX), expected.ebx);
}

TEST_F(SystemInstructions, LmswCannotClearPe) {
  guest.enter_protected_mode();
  guest.reg(RAX) = kCr0TS;
  guest.run({0x0f, 0x01, 0xf0});
  EXPECT_EQ(guest.state().cr0 & (kCr0PE | kCr0TS), kCr0PE | kCr0TS);
  guest.run({0x0f, 0x06});  // clts
  EXPECT_EQ(guest.state().cr0 & kCr0TS, 0U);
}

TEST_F(SystemInstructions, XgetbvGivesXcr0) {
  guest.reg(RCX) = 0;
  guest.reg(RAX) = ~u64{0};
  guest.run({0x0f, 0x01, 0xd0});
  EXPECT_EQ(guest.reg(RAX), 7U);
}

TEST_F(SystemInstructions, RandomNumbersSetOnlyCarry) {
  if (!guest.cpu->features().rdrand) GTEST_SKIP() << "the host has no RDRAND";
  guest.state().rflags |= kArithmeticFlags;
  guest.run({0x48, 0x0f, 0xc7, 0xf0});
  EXPECT_EQ(guest.state().rflags & kArithmeticFlags & ~kCF, 0U);
}

TEST_F(SystemInstructions, UmipHidesTablesFromUserCode) {
  guest.enter_long_mode(true);
  guest.reg(RBX) = guest.address(TestGuest::kData);
  EXPECT_EQ(guest.fault({0x0f, 0x01, 0x03}).vector, -1);
  guest.enter_long_mode(true);
  guest.state().cr4 |= kCr4UMIP;
  EXPECT_EQ(guest.fault({0x0f, 0x01, 0x03}).vector, kGP);
}

// Locked operations of two CPUs on one counter lose no update.
TEST_F(SystemInstructions, LockedOperationsAreAtomicAmongCpus) {
  constexpr unsigned kTimes = 20000;
  guest.machine.add_cpu(create_cpu(guest.machine, "max"));
  X86Cpu& second = static_cast<X86Cpu&>(*guest.machine.cpus().back());
  guest.reg(RBX) = guest.address(TestGuest::kData);
  guest.reg(RCX) = kTimes;
  // again: lock inc dword [rbx]; dec ecx; jnz again
  guest.load(std::array<u8, 7>{0xf0, 0xff, 0x03, 0xff, 0xc9, 0x75, 0xf9});
  second.state() = guest.state();
  Interpreter other(second, guest.memory);
  const auto run = [](Interpreter& interpreter) {
    for (unsigned n = 0; n < 3 * kTimes; ++n) interpreter.step();
  };
  std::thread thread([&] { run(other); });
  run(*guest.interpreter);
  thread.join();
  EXPECT_EQ(guest.load_value<u32>(TestGuest::kData), 2 * kTimes);
}

}  // namespace
}  // namespace backplane::x86::testing
