// SPDX-License-Identifier: MIT
#include "../guest.h"

namespace backplane::x86::testing {
namespace {

struct Recorder final : CpuObserver {
  unsigned flushes = 0, global_flushes = 0, switches = 0;
  bool kept = false;
  u64 page = 0, pcid = ~u64{0};
  void flush_tlb(bool globals) override { ++(globals ? global_flushes : flushes); }
  void address_space_switched(u64, u64, bool keep) override {
    ++switches;
    kept = keep;
  }
  void invalidate_page(u64 linear) override { page = linear; }
  void invalidate_address_space(u64 id) override { pcid = id; }
};

class ControlRegisters : public ::testing::Test {
 protected:
  Guest guest;
  Recorder recorder;
  X86State& s() { return guest.state(); }
  Context c() { return guest.context(); }
  void SetUp() override {
    guest.enter_long_mode();
    guest.cpu().set_observer(&recorder);
  }
  void refuse(unsigned number, u64 value) {
    expect_fault(kGP, 0, [&] { write_cr(c(), number, value); });
  }
};

TEST_F(ControlRegisters, ArePrivileged) {
  guest.enter_long_mode(3);
  for (const unsigned number : {0u, 2u, 3u, 4u, 8u}) {
    expect_fault(kGP, 0, [&] { read_cr(c(), number); });
    refuse(number, 0);
  }
}

TEST_F(ControlRegisters, UnknownNumbersAreUndefined) {
  for (const unsigned number : {1u, 5u, 7u, 9u, 15u})
    expect_fault(kUD, std::nullopt, [&] { read_cr(c(), number); });
}

TEST_F(ControlRegisters, Cr0RefusesInvalidCombinations) {
  refuse(0, s().cr0 | (u64{1} << 32));
  refuse(0, kCr0PG | kCr0ET);                    // paging without protection
  refuse(0, s().cr0 | kCr0NW);                   // NW without CD
  refuse(0, s().cr0 & ~kCr0PG);                  // leaving paging in 64-bit code
  write_cr(c(), 0, (s().cr0 & ~kCr0ET) | 0x40);  // ET is fixed, unknown bits are ignored
  EXPECT_TRUE(s().cr0 & kCr0ET);
  EXPECT_FALSE(s().cr0 & 0x40);
}

TEST_F(ControlRegisters, Cr0FlushesWhenProtectionOrPagingChanges) {
  write_cr(c(), 0, s().cr0 | kCr0TS);
  EXPECT_EQ(recorder.global_flushes, 0u);
  write_cr(c(), 0, s().cr0 & ~kCr0WP);
  EXPECT_EQ(recorder.global_flushes, 1u);
}

TEST_F(ControlRegisters, Cr0FlushesNothingWithoutPaging) {
  s().cr0 = kCr0ET;
  for (const u64 value : {kCr0ET | kCr0PE, kCr0ET | kCr0PE | kCr0WP, kCr0ET + 0}) {
    write_cr(c(), 0, value);
    EXPECT_EQ(s().cr0, value);
  }
  EXPECT_EQ(recorder.global_flushes, 0u);
}

TEST_F(ControlRegisters, LongModeIsEnteredAndLeftThroughPaging) {
  guest.enter_protected_mode();
  write_cr(c(), 4, kCr4PAE);
  write_msr(c(), 0xc0000080, kEferLME);
  EXPECT_FALSE(s().long_mode_active());
  write_cr(c(), 0, s().cr0 | kCr0PG);
  EXPECT_TRUE(s().long_mode_active());
  expect_fault(kGP, 0, [&] { write_msr(c(), 0xc0000080, 0); });  // LME while paging
  refuse(4, 0);                                                  // PAE while in long mode
  write_cr(c(), 0, s().cr0 & ~kCr0PG);                           // from compatibility mode
  EXPECT_FALSE(s().long_mode_active());
  EXPECT_TRUE(s().efer & kEferLME);
}

TEST_F(ControlRegisters, LongModeNeedsPae) {
  guest.enter_protected_mode();
  write_msr(c(), 0xc0000080, kEferLME);
  refuse(0, s().cr0 | kCr0PG);
  EXPECT_FALSE(s().long_mode_active());
}

TEST_F(ControlRegisters, PaePagingLoadsItsDirectoryPointers) {
  guest.enter_protected_mode();
  const u64 entries[4] = {0x10001, 0, 0x20001, 0};
  for (unsigned i = 0; i < 4; ++i) guest.store<u64>(0x50020 + 8 * i, entries[i]);
  write_cr(c(), 3, 0x50020);
  write_cr(c(), 4, kCr4PAE);
  write_cr(c(), 0, s().cr0 | kCr0PG);
  EXPECT_EQ(s().pdpte[2], 0x20001u);
  guest.store<u64>(0x50020, 0x10003);  // a reserved bit
  refuse(3, 0x50020);
  EXPECT_EQ(s().pdpte[0], 0x10001u);
}

TEST_F(ControlRegisters, Cr3RefusesAddressesBeyondThePhysicalOnes) {
  refuse(3, u64{1} << 50);
  refuse(3, u64{1} << 63);  // without PCIDs
  write_cr(c(), 3, 0x1000);
  EXPECT_EQ(recorder.flushes, 1u);
}

TEST_F(ControlRegisters, PcidsKeepTranslationsOnRequest) {
  write_cr(c(), 4, s().cr4 | kCr4PCIDE);
  write_cr(c(), 3, 0x1005 | (u64{1} << 63));
  EXPECT_EQ(s().cr3, 0x1005u);
  EXPECT_TRUE(recorder.kept);
  write_cr(c(), 3, 0x1006);
  EXPECT_FALSE(recorder.kept);
  EXPECT_EQ(recorder.switches, 2u);
  refuse(0, s().cr0 & ~kCr0PG);
  s().cr4 &= ~kCr4PCIDE;
  refuse(4, s().cr4 | kCr4PCIDE);  // CR3 has a PCID already
}

TEST_F(ControlRegisters, Cr4OffersWhatTheCpuHas) {
  refuse(4, s().cr4 | kCr4VME);
  refuse(4, s().cr4 | kCr4LA57);
  refuse(4, s().cr4 | (u64{1} << 31));
  EXPECT_NO_THROW(write_cr(c(), 4, s().cr4 | kCr4SMEP | kCr4SMAP | kCr4FSGSBASE | kCr4UMIP));
  EXPECT_GE(recorder.global_flushes, 1u);
}

TEST(ControlRegistersOfALesserModel, RefuseItsMissingFeatures) {
  Guest guest("x86-64-v2");
  guest.enter_long_mode();
  for (const u64 bit : {kCr4SMEP, kCr4SMAP, kCr4FSGSBASE, kCr4PCIDE, kCr4OSXSAVE, kCr4UMIP})
    expect_fault(kGP, 0, [&] { write_cr(guest.context(), 4, (kCr4PAE | bit) & ~u64{0}); });
}

TEST_F(ControlRegisters, Cr8IsTheTaskPriority) {
  write_cr(c(), 8, 5);
  EXPECT_EQ(read_cr(c(), 8), 5u);
  EXPECT_EQ(guest.cpu().apic().read_page(LocalApic::kTpr), 0x50u);
  refuse(8, 16);
}

TEST_F(ControlRegisters, Xcr0KeepsComponentsConsistent) {
  for (const u64 bad : {0ull, 2ull, 5ull, 0xfull, 0xe7ull})
    expect_fault(kGP, 0, [&] { write_xcr0(c(), bad); });
  write_xcr0(c(), 3);
  EXPECT_EQ(s().xcr0, 3u);
}

TEST_F(ControlRegisters, Invalidations) {
  invlpg(c(), 0x123456);
  EXPECT_EQ(recorder.page, 0x123456u);
  invpcid(c(), 1, 0, 0);
  EXPECT_EQ(recorder.pcid, 0u);
  expect_fault(kGP, 0, [&] { invpcid(c(), 1, 5, 0); });  // without PCIDs
  expect_fault(kGP, 0, [&] { invpcid(c(), 4, 0, 0); });
  expect_fault(kGP, 0, [&] { invpcid(c(), 0, 0, u64{1} << 47); });
  invpcid(c(), 2, 0, 0);
  EXPECT_EQ(recorder.global_flushes, 1u);
  invpcid(c(), 3, 0, 0);
  EXPECT_EQ(recorder.flushes, 1u);
}

// --- debug registers -------------------------------------------------------------------------

TEST_F(ControlRegisters, DebugRegistersHaveFixedBits) {
  write_dr(c(), 6, 0);
  EXPECT_EQ(read_dr(c(), 6), 0xffff0ff0u);
  write_dr(c(), 7, 0xffffffff);
  EXPECT_EQ(s().dr[7], 0xffff27ffu);
  s().dr[7] = 0x400;
  expect_fault(kGP, 0, [&] { write_dr(c(), 7, u64{1} << 32); });
  write_dr(c(), 0, 0x1234);
  EXPECT_EQ(read_dr(c(), 0), 0x1234u);
}

TEST_F(ControlRegisters, Dr4IsDr6UnlessDebugExtensionsAreOn) {
  EXPECT_EQ(read_dr(c(), 4), read_dr(c(), 6));
  write_cr(c(), 4, s().cr4 | kCr4DE);
  expect_fault(kUD, std::nullopt, [&] { read_dr(c(), 4); });
}

TEST_F(ControlRegisters, GeneralDetectFaultsOnAnyAccess) {
  write_dr(c(), 7, 1u << 13);
  expect_fault(kDB, std::nullopt, [&] { read_dr(c(), 0); });
  EXPECT_EQ(s().dr[6] & (kDr6BD | kDr6Breakpoints), kDr6BD);
  EXPECT_TRUE(s().dr[7] & kDr7GD) << "until the handler is entered";
}

}  // namespace
}  // namespace backplane::x86::testing
