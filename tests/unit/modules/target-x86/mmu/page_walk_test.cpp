// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "../guest.h"
#include "backplane/x86/mmu.h"

namespace backplane::x86::testing {
namespace {

constexpr u64 kP = 1, kW = 2, kU = 4, kA = 1u << 5, kD = 1u << 6, kPs = 1u << 7, kG = 1u << 8,
              kNx = u64{1} << 63;

// A state of its own and tables in a test machine's RAM.
class PageWalk : public ::testing::Test {
 protected:
  static constexpr u64 kL4 = 0x10000, kL3 = 0x11000, kL2 = 0x12000, kL1 = 0x13000;

  PageWalk() {
    state.cr0 = kCr0PE | kCr0PG | kCr0WP;
    state.rflags = 2;
  }
  void use_four_levels() {
    state.cr4 = kCr4PAE | kCr4PGE;
    state.efer = kEferLME | kEferLMA | kEferNXE;
    state.cr3 = kL4;
  }
  void use_pae() {
    state.cr4 = kCr4PAE;
    state.efer = kEferNXE;
    for (unsigned i = 0; i < 4; ++i) state.pdpte[i] = 0;
  }
  void use_32_bit() {
    state.cr4 = kCr4PSE;
    state.efer = 0;
    state.cr3 = kL4;
  }
  // Maps linear 0x40201000 (indices 0, 1, 1, 1) to 0x5000 with these bits at each level.
  static constexpr u64 kLinear = 0x40201000;
  void map_four_levels(u64 l4, u64 l3, u64 l2, u64 l1, u64 page = 0x5000) {
    use_four_levels();
    put(kL4, kL3 | l4);
    put(kL3 + 8, kL2 | l3);
    put(kL2 + 8, kL1 | l2);
    put(kL1 + 8, page | l1);
  }
  void put(u64 at, u64 entry) { machine.memory().store<u64>(at, entry); }
  u64 get(u64 at) { return machine.memory().load<u64>(at); }
  Translation walk(Access access = Access::Read, Privilege privilege = Privilege::Supervisor,
                   u64 linear = kLinear) {
    return translate(state, machine.memory(), linear, access, privilege);
  }

  backplane::testing::TestMachine machine;
  X86State state;
};

TEST_F(PageWalk, WithoutPagingAddressesArePhysicalAndCutTo32Bits) {
  state.cr0 = kCr0PE;
  const Translation t = walk(Access::Write, Privilege::User, 0x1'2345'6789);
  EXPECT_TRUE(t.ok && t.readable && t.writable && t.executable && t.user);
  EXPECT_EQ(t.physical, 0x23456789u);
}

TEST_F(PageWalk, FourLevelsLeadToASmallPage) {
  map_four_levels(kP | kW | kU, kP | kW | kU, kP | kW | kU, kP | kW | kU);
  const Translation t = walk(Access::Read, Privilege::User, kLinear + 0x123);
  EXPECT_TRUE(t.ok);
  EXPECT_EQ(t.physical, 0x5123u);
  EXPECT_EQ(t.page_size, 4096u);
  EXPECT_TRUE(t.user && t.readable && t.executable);
  EXPECT_FALSE(t.writable) << "the dirty bit is clear";
  EXPECT_FALSE(t.global);
}

TEST_F(PageWalk, AccessSetsAccessedBitsAndAWriteTheDirtyBit) {
  map_four_levels(kP | kW, kP | kW, kP | kW, kP | kW);
  EXPECT_TRUE(walk().ok);
  EXPECT_EQ(get(kL4) & (kA | kD), kA);
  EXPECT_EQ(get(kL3 + 8) & (kA | kD), kA);
  EXPECT_EQ(get(kL2 + 8) & (kA | kD), kA);
  EXPECT_EQ(get(kL1 + 8) & (kA | kD), kA);
  EXPECT_TRUE(walk(Access::Write).writable);
  EXPECT_EQ(get(kL1 + 8) & (kA | kD), kA | kD);
  EXPECT_EQ(get(kL2 + 8) & (kA | kD), kA);
  EXPECT_TRUE(walk().writable) << "now that it is dirty";
}

TEST_F(PageWalk, AFaultLeavesAccessedBitsAlone) {
  map_four_levels(kP | kW | kU, kP | kW | kU, kP | kW | kU, kP | kW);
  EXPECT_FALSE(walk(Access::Read, Privilege::User).ok);
  EXPECT_EQ(get(kL4) & kA, 0u);
  EXPECT_EQ(get(kL1 + 8) & kA, 0u);
}

TEST_F(PageWalk, NotPresentAtAnyLevelIsTold) {
  for (unsigned level = 0; level < 4; ++level) {
    map_four_levels(level == 0 ? 0 : kP | kW, level == 1 ? 0 : kP | kW, level == 2 ? 0 : kP | kW,
                    level == 3 ? 0 : kP | kW);
    const Translation t = walk(Access::Write, Privilege::User);
    EXPECT_FALSE(t.ok);
    EXPECT_EQ(t.error_code, kPfWrite | kPfUser) << level;
  }
}

struct Rights {
  u64 leaf;
  Access access;
  Privilege privilege;
  u64 cr0_clear, cr4_set, rflags_set;
  bool ok;
  u32 error;
};

class PageRights : public PageWalk, public ::testing::WithParamInterface<Rights> {};

TEST_P(PageRights, FollowTheTable) {
  const Rights& r = GetParam();
  map_four_levels(kP | kW | kU, kP | kW | kU, kP | kW | kU, r.leaf);
  state.cr0 &= ~r.cr0_clear;
  state.cr4 |= r.cr4_set;
  state.rflags |= r.rflags_set;
  const Translation t = walk(r.access, r.privilege);
  EXPECT_EQ(t.ok, r.ok);
  EXPECT_EQ(t.error_code, r.error);
}

constexpr auto kUser = Privilege::User;
constexpr auto kSuper = Privilege::Supervisor;
constexpr auto kImplicit = Privilege::ImplicitSupervisor;
INSTANTIATE_TEST_SUITE_P(
    Table, PageRights,
    ::testing::Values(
        Rights{kP | kU, Access::Read, kUser, 0, 0, 0, true, 0},
        Rights{kP | kU, Access::Write, kUser, 0, 0, 0, false, kPfPresent | kPfWrite | kPfUser},
        Rights{kP, Access::Read, kUser, 0, 0, 0, false, kPfPresent | kPfUser},
        Rights{kP, Access::Write, kSuper, 0, 0, 0, false, kPfPresent | kPfWrite},
        Rights{kP, Access::Write, kSuper, kCr0WP, 0, 0, true, 0},
        Rights{kP | kU, Access::Write, kUser, kCr0WP, 0, 0, false, kPfPresent | kPfWrite | kPfUser},
        Rights{kP | kU | kNx, Access::Execute, kUser, 0, 0, 0, false,
               kPfPresent | kPfUser | kPfFetch},
        Rights{kP | kNx, Access::Execute, kSuper, 0, 0, 0, false, kPfPresent | kPfFetch},
        Rights{kP | kU | kNx, Access::Read, kUser, 0, 0, 0, true, 0},
        Rights{kP | kU, Access::Execute, kSuper, 0, 0, 0, true, 0},
        Rights{kP | kU, Access::Execute, kSuper, 0, kCr4SMEP, 0, false, kPfPresent | kPfFetch},
        Rights{kP | kU, Access::Read, kSuper, 0, kCr4SMAP, 0, false, kPfPresent},
        Rights{kP | kU, Access::Read, kSuper, 0, kCr4SMAP, kAC, true, 0},
        Rights{kP | kU, Access::Read, kImplicit, 0, kCr4SMAP, kAC, false, kPfPresent},
        Rights{kP | kU | kW, Access::Write, kSuper, 0, kCr4SMAP, 0, false, kPfPresent | kPfWrite},
        Rights{kP, Access::Read, kImplicit, 0, kCr4SMAP, 0, true, 0}));

TEST_F(PageWalk, RightsAreTheConjunctionOfAllLevels) {
  map_four_levels(kP | kW, kP | kW | kU, kP | kW | kU, kP | kW | kU);
  EXPECT_FALSE(walk(Access::Read, Privilege::User).ok);
  map_four_levels(kP | kW | kU, kP | kU, kP | kW | kU, kP | kW | kU);
  EXPECT_FALSE(walk(Access::Write, Privilege::User).ok);
  map_four_levels(kP | kW | kU | kNx, kP | kW | kU, kP | kW | kU, kP | kW | kU);
  EXPECT_FALSE(walk(Access::Execute, Privilege::User).ok);
}

TEST_F(PageWalk, ReservedBitsFault) {
  const u64 good = kP | kW | kU;
  const u32 error = kPfPresent | kPfReserved;
  map_four_levels(good | (u64{1} << 45), good, good, good);
  EXPECT_EQ(walk().error_code, error) << "beyond the physical address bits";
  map_four_levels(good | kPs, good, good, good);
  EXPECT_EQ(walk().error_code, error) << "no large pages at this level";
  map_four_levels(good, good, good, good | kNx);
  state.efer &= ~kEferNXE;
  EXPECT_EQ(walk().error_code, error) << "NX without EFER.NXE";
}

TEST_F(PageWalk, LargePagesOf2MiBAnd1GiB) {
  use_four_levels();
  put(kL4, kL3 | kP | kW);
  put(kL3 + 8, kL2 | kP | kW);
  put(kL2 + 8, 0x600000 | kP | kW | kPs | kG);
  Translation t = walk(Access::Write, Privilege::Supervisor, kLinear + 0x1234);
  EXPECT_TRUE(t.ok && t.global);
  EXPECT_EQ(t.page_size, 2u << 20);
  EXPECT_EQ(t.physical, 0x602234u);
  put(kL2 + 8, 0x602000 | kP | kW | kPs);
  EXPECT_EQ(walk().error_code, kPfPresent | kPfReserved);

  put(kL3 + 8, 0x80000000 | kP | kW | kPs);
  t = walk();
  EXPECT_TRUE(t.ok);
  EXPECT_EQ(t.page_size, 1u << 30);
  EXPECT_EQ(t.physical, 0x80201000u);
  state.has_gbpages = 0;
  EXPECT_EQ(walk().error_code, kPfPresent | kPfReserved);
}

TEST_F(PageWalk, PaeUsesTheLoadedDirectoryPointers) {
  use_pae();
  state.pdpte[1] = kL2 | kP;
  put(kL2 + 8, kL1 | kP | kW | kU);
  put(kL1 + 8, 0x7000 | kP | kW | kU);
  EXPECT_EQ(walk(Access::Write, Privilege::User).physical, 0x7000u);
  state.pdpte[1] = 0;
  const Translation t = walk(Access::Write, Privilege::User);
  EXPECT_FALSE(t.ok);
  EXPECT_EQ(t.error_code, kPfWrite | kPfUser);
}

TEST_F(PageWalk, ThirtyTwoBitPagingWithSmallAndLargePages) {
  use_32_bit();
  machine.memory().store<u32>(kL4 + 4 * (kLinear >> 22), kL3 | kP | kW | kU);
  machine.memory().store<u32>(kL3 + 4 * ((kLinear >> 12) & 0x3ff), 0x9000 | kP | kW);
  EXPECT_EQ(walk(Access::Write).physical, 0x9000u);
  EXPECT_EQ(machine.memory().load<u32>(kL3 + 4 * ((kLinear >> 12) & 0x3ff)) & (kA | kD), kA | kD);
  EXPECT_EQ(walk(Access::Read, Privilege::User).error_code, kPfPresent | kPfUser);

  // PSE-36: bits 20:13 are bits 39:32 of the address.
  machine.memory().store<u32>(kL4 + 4 * (kLinear >> 22), 0x00800000 | (3u << 13) | kP | kW | kPs);
  const Translation t = walk();
  EXPECT_EQ(t.physical, 0x3'00800000 + (kLinear & 0x3fffff));
  EXPECT_EQ(t.page_size, 4u << 20);
  state.cr4 &= ~kCr4PSE;
  EXPECT_FALSE(walk().ok) << "the entry now names a page table, at an address without memory";
}

TEST_F(PageWalk, TablesOutsideRamReadAsNotPresent) {
  use_four_levels();
  state.cr3 = 0x8000'0000;
  EXPECT_EQ(walk().error_code, 0u);
}

TEST_F(PageWalk, ProbeChangesNothingAndIgnoresRights) {
  map_four_levels(kP, kP, kP, kP);
  const Translation t = probe(state, machine.memory(), kLinear);
  EXPECT_TRUE(t.ok);
  EXPECT_EQ(t.physical, 0x5000u);
  EXPECT_EQ(get(kL1 + 8) & kA, 0u);
}

TEST_F(PageWalk, FetchBitNeedsNxOrSmep) {
  use_32_bit();
  EXPECT_EQ(walk(Access::Execute).error_code, 0u);
  state.cr4 |= kCr4SMEP;
  EXPECT_EQ(walk(Access::Execute).error_code, kPfFetch);
}

class WalkingMemoryTest : public PageWalk {
 protected:
  void SetUp() override {
    map_four_levels(kP | kW | kU, kP | kW | kU, kP | kW | kU, kP | kW | kU);
    put(kL1 + 16, 0x8000 | kP | kW | kU);
  }
  WalkingMemory memory{state, machine.memory()};
};

TEST_F(WalkingMemoryTest, AccessesCrossPages) {
  memory.store<u64>(kLinear + 0xffc, 0x1122334455667788, Privilege::User);
  EXPECT_EQ(machine.memory().load<u32>(0x5ffc), 0x55667788u);
  EXPECT_EQ(machine.memory().load<u32>(0x8000), 0x11223344u);
  EXPECT_EQ(memory.load<u64>(kLinear + 0xffc, Privilege::User), 0x1122334455667788u);
}

TEST_F(WalkingMemoryTest, AFaultOnTheSecondPageChangesNothing) {
  put(kL1 + 16, 0x8000 | kP | kU);
  machine.memory().store<u32>(0x5ffc, 0xaaaaaaaa);
  try {
    memory.store<u64>(kLinear + 0xffc, 0, Privilege::User);
    FAIL();
  } catch (const GuestException& e) {
    EXPECT_EQ(e.vector, kPFVector);
    EXPECT_EQ(e.cr2, kLinear + 0x1000);
    EXPECT_EQ(e.error_code, kPfPresent | kPfWrite | kPfUser);
  }
  EXPECT_EQ(machine.memory().load<u32>(0x5ffc), 0xaaaaaaaau);
}

TEST_F(WalkingMemoryTest, FetchStopsAtAPageThatCannotBeExecuted) {
  put(kL1 + 16, 0x8000 | kP | kU | kNx);
  u8 bytes[16];
  EXPECT_EQ(memory.fetch(kLinear + 0xff8, bytes, 16, Privilege::User), 8u);
  expect_fault(kPFVector, kPfPresent | kPfUser | kPfFetch,
               [&] { memory.fetch(kLinear + 0x1000, bytes, 16, Privilege::User); });
}

TEST_F(WalkingMemoryTest, AtomicPointersAreGivenWithinAPageOfRam) {
  EXPECT_EQ(memory.atomic_pointer(kLinear + 8, 8, Privilege::User), machine.ram().host() + 0x5008);
  EXPECT_EQ(memory.atomic_pointer(kLinear + 0xffc, 8, Privilege::User), nullptr);
}

}  // namespace
}  // namespace backplane::x86::testing
