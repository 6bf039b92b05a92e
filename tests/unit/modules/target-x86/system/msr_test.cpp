// SPDX-License-Identifier: MIT
#include "../guest.h"

namespace backplane::x86::testing {
namespace {

class Msrs : public ::testing::Test {
 protected:
  Guest guest;
  X86State& s() { return guest.state(); }
  Context c() { return guest.context(); }
  void SetUp() override { guest.enter_long_mode(); }
  void refuse(u32 index, u64 value) {
    expect_fault(kGP, 0, [&] { write_msr(c(), index, value); });
  }
};

constexpr u64 kNotCanonical = u64{1} << 47;

TEST_F(Msrs, ArePrivileged) {
  guest.enter_long_mode(3);
  expect_fault(kGP, 0, [&] { read_msr(c(), 0x10); });
  refuse(0x10, 0);
}

TEST_F(Msrs, UnknownOnesFault) {
  for (const u32 index : {0x2u, 0x48u, 0x1234u, 0xda0u, 0xc0000105u, 0x800u}) {
    expect_fault(kGP, 0, [&] { read_msr(c(), index); });
    refuse(index, 0);
  }
}

struct Fact {
  u32 index;
  u64 good, bad;
};
class WritableMsrs : public Msrs, public ::testing::WithParamInterface<Fact> {};

TEST_P(WritableMsrs, KeepGoodValuesAndRefuseBadOnes) {
  const Fact& f = GetParam();
  write_msr(c(), f.index, f.good);
  EXPECT_EQ(read_msr(c(), f.index), f.good);
  if (f.bad != 0) refuse(f.index, f.bad);
  EXPECT_EQ(read_msr(c(), f.index), f.good);
}

INSTANTIATE_TEST_SUITE_P(
    Table, WritableMsrs,
    ::testing::Values(Fact{0x174, 0x10, 0}, Fact{0x175, 0xffff800000001000, kNotCanonical},
                      Fact{0x176, 0x1000, kNotCanonical}, Fact{0x277, 0x0007040600070401, 2},
                      Fact{0x2ff, 0xc06, 0x1000}, Fact{0x2ff, 0x806, 0x802},
                      Fact{0x200, 0xc0000000, u64{1} << 50}, Fact{0x201, 0xff80000800, 0x400},
                      Fact{0x250, 0x0606060606060606, 2}, Fact{0x259, 0, 0x0300},
                      Fact{0x26f, 0x0505050505050505, 0x09}, Fact{0xc0000081, 0x23000800000000, 0},
                      Fact{0xc0000082, 0xffffffff81000000, kNotCanonical},
                      Fact{0xc0000083, 0x1000, kNotCanonical},
                      Fact{0xc0000084, 0x47700, u64{1} << 32},
                      Fact{0xc0000100, 0x7fff00000000, kNotCanonical},
                      Fact{0xc0000101, 0xffff888000000000, kNotCanonical},
                      Fact{0xc0000102, 0x1000, kNotCanonical}, Fact{0xc0000103, 7, u64{1} << 32}));

TEST_F(Msrs, EferOffersWhatTheCpuHas) {
  refuse(0xc0000080, s().efer | (1u << 12));
  refuse(0xc0000080, s().efer & ~kEferLME);
  write_msr(c(), 0xc0000080, kEferLME | kEferNXE);
  EXPECT_EQ(s().efer, kEferLME | kEferNXE | kEferLMA) << "LMA is not written";
}

TEST_F(Msrs, TimeStampCounterAndItsAdjustment) {
  write_msr(c(), 0x10, 0);
  EXPECT_LT(read_msr(c(), 0x10), guest.cpu().tsc_frequency());
  const u64 before = read_msr(c(), 0x10);
  const u64 adjust = read_msr(c(), 0x3b);
  write_msr(c(), 0x3b, adjust + (u64{1} << 50));
  EXPECT_GE(read_msr(c(), 0x10), before + (u64{1} << 50));
}

TEST_F(Msrs, ReadOnlyFacts) {
  EXPECT_EQ(read_msr(c(), 0xfe), 0x508u);
  EXPECT_EQ(read_msr(c(), 0x179), 5u) << "machine-check banks";
  EXPECT_EQ(read_msr(c(), 0x3a), 1u);
  EXPECT_TRUE(read_msr(c(), 0x10a) & 1);
  EXPECT_TRUE(read_msr(c(), 0x1a0) & 1) << "fast strings";
  for (const u32 index : {0xfeu, 0x179u, 0x3au, 0x10au}) refuse(index, 0);
}

TEST_F(Msrs, SwapgsExchangesTheBases) {
  s().seg[GS].base = 1;
  s().kernel_gs_base = 2;
  swapgs(c());
  EXPECT_EQ(s().seg[GS].base, 2u);
  EXPECT_EQ(s().kernel_gs_base, 1u);
  guest.enter_long_mode(3);
  expect_fault(kGP, 0, [&] { swapgs(c()); });
  guest.enter_protected_mode();
  expect_fault(kUD, std::nullopt, [&] { swapgs(c()); });
}

TEST_F(Msrs, ApicBaseTransitions) {
  constexpr u32 kApicBase = 0x1b;
  EXPECT_EQ(read_msr(c(), kApicBase), 0xfee00900u);
  refuse(kApicBase, 0xfee00500);          // x2APIC without enable
  write_msr(c(), kApicBase, 0xfee00d00);  // to x2APIC
  EXPECT_EQ(read_msr(c(), 0x802), 0u);    // its id
  refuse(kApicBase, 0xfee00900);          // back to xAPIC
  write_msr(c(), kApicBase, 0xfee00100);  // off
  refuse(kApicBase, 0xfee00d00);          // off to x2APIC
  expect_fault(kGP, 0, [&] { read_msr(c(), 0x802); });
}

// --- flags and ports -------------------------------------------------------------------------

TEST_F(Msrs, PopfLeavesWhatThePrivilegeLevelMayNotChange) {
  guest.enter_long_mode(3);
  s().rflags = 2 | kIF;
  write_flags(s(), ~u64{0}, 8);
  EXPECT_EQ(s().rflags, 2 | kArithmeticFlags | kTF | kIF | kDF | kNT | kAC | kID);
  write_flags(s(), 0, 8);
  EXPECT_EQ(s().rflags, 2 | kIF) << "IF needs IOPL";
  guest.enter_long_mode();
  write_flags(s(), kIOPL | kRF | kVM, 8);
  EXPECT_EQ(s().rflags, 2 | kIOPL);
  s().rflags = 2 | kID | kAC;
  write_flags(s(), kCF, 2);
  EXPECT_EQ(s().rflags, 2 | kID | kAC | kCF) << "16 bits only";
}

TEST_F(Msrs, PortsAreFreeAtTheIoPrivilegeLevel) {
  EXPECT_NO_THROW(check_io_permission(c(), 0x3f8, 1));
  guest.enter_long_mode(3);
  expect_fault(kGP, 0, [&] { check_io_permission(c(), 0x3f8, 1); });
  s().rflags |= kIOPL;
  EXPECT_NO_THROW(check_io_permission(c(), 0x3f8, 1));
}

TEST_F(Msrs, TheTaskStatesBitmapGrantsPorts) {
  guest.enter_long_mode(3);
  s().tr.limit = 0x68 + 0x80;
  guest.store<u16>(Guest::kTss + 0x66, 0x68);
  for (u64 i = 0; i < 0x81; ++i) guest.store<u8>(Guest::kTss + 0x68 + i, 0xff);
  guest.store<u8>(Guest::kTss + 0x68 + 0x3f8 / 8, 0xfc);  // ports 3f8h and 3f9h
  EXPECT_NO_THROW(check_io_permission(c(), 0x3f8, 2));
  expect_fault(kGP, 0, [&] { check_io_permission(c(), 0x3f9, 2); });
  expect_fault(kGP, 0, [&] { check_io_permission(c(), 0x400, 1); });
  s().tr.limit = 0x68 + 0x3f8 / 8;  // the byte after the last must be there too
  expect_fault(kGP, 0, [&] { check_io_permission(c(), 0x3f8, 1); });
}

TEST_F(Msrs, AbsentPortsReadAllOnes) {
  EXPECT_EQ(port_in(c(), 0x1234, 1), 0xffu);
  EXPECT_EQ(port_in(c(), 0x1234, 4), 0xffffffffu);
  port_out(c(), 0x1234, 5, 2);
}

}  // namespace
}  // namespace backplane::x86::testing
