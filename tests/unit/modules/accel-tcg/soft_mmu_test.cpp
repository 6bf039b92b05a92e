// SPDX-License-Identifier: MIT
// What INVLPG takes from the TLB, and that it leaves the links of code that it is not about; the
// walk that translated code tries first.
#include "mmu/soft_mmu.h"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <random>

#include "backplane/testing/test_machine.h"
#include "cache/code_cache.h"

namespace backplane::tcg {
namespace {

class PageFlush : public ::testing::Test {
 protected:
  // The kernel half: 512 large pages, all of the first one in memory. 4-level paging.
  static constexpr u64 kTables = 0x10000, kKernel = 0xffff800000000000, kLargePage = 2_MiB;
  static constexpr unsigned kLargePages = 512;

  PageFlush() {
    machine_.power_on();
    AddressSpace& memory = machine_.memory();
    memory.store<u64>(kTables + 256 * 8, (kTables + 0x1000) | 3);
    memory.store<u64>(kTables + 0x1000, (kTables + 0x2000) | 3);
    for (u64 n = 0; n < kLargePages; ++n) memory.store<u64>(kTables + 0x2000 + n * 8, 0x83);
    x86::X86State& s = cpu_.state();
    s.cr0 = x86::kCr0PE | x86::kCr0PG | x86::kCr0WP;
    s.cr4 = x86::kCr4PAE;
    s.efer = x86::kEferLME | x86::kEferLMA;
    s.cr3 = kTables;
  }

  static X86Cpu& add_cpu(backplane::testing::TestMachine& machine) {
    machine.add_cpu(x86::create_cpu(machine, "max"));
    return static_cast<X86Cpu&>(*machine.cpus()[0]);
  }

  u64 links(MmuIndex index) const { return jit_state(cpu_).site_generation[index]; }
  u64 tlb_fills(u64 linear) {
    const u64 before = mmu.counters().fills;
    mmu.resolve(linear, Access::Read, kMmuKernel);
    return mmu.counters().fills - before;
  }

  backplane::testing::TestMachine machine_;
  X86Cpu& cpu_ = add_cpu(machine_);
  CodeCache cache_{8_MiB};
  SoftMmu mmu{cpu_, machine_.memory(), cache_};
};

TEST_F(PageFlush, LeavesTheLinksOfOtherPages) {
  constexpr u64 kPages = 4000, kUserCode = 0x400000, kUserData = 0x7f0000000000;
  for (u64 n = 0; n < kPages; ++n) mmu.note_executed(kKernel + n * kPageSize, kMmuKernel);
  for (u64 n = 0; n < 200; ++n) mmu.note_executed(kUserCode + n * kPageSize, kMmuUser);
  const u64 kernel = links(kMmuKernel), user = links(kMmuUser);
  for (u64 n = 0; n < 20000; ++n) mmu.flush_page(kUserData + n * kPageSize);
  EXPECT_EQ(links(kMmuKernel), kernel);
  EXPECT_EQ(links(kMmuUser), user);

  mmu.flush_page(kUserCode + 17 * kPageSize);
  EXPECT_EQ(links(kMmuKernel), kernel);
  EXPECT_NE(links(kMmuUser), user);
  mmu.flush_page(kKernel + (kPages - 1) * kPageSize);
  EXPECT_NE(links(kMmuKernel), kernel);
}

TEST_F(PageFlush, TakesAllOfALargePage) {
  for (u64 n = 0; n < kLargePages; ++n) EXPECT_EQ(tlb_fills(kKernel + n * kLargePage), 1u);
  for (const u64 offset : {u64{0}, kLargePage - kPageSize}) {
    tlb_fills(kKernel + 5 * kLargePage + kPageSize);
    mmu.flush_page(kKernel + 5 * kLargePage + offset);
    EXPECT_EQ(tlb_fills(kKernel + 5 * kLargePage + kPageSize), 1u);
  }
}

TEST_F(PageFlush, BeginsWithNoPagesAtAll) {
  EXPECT_TRUE(mmu.pages_of_users().empty());
  // No table is there for address 0, which zeroes in the TLB could be taken for.
  for (const MmuIndex index : {kMmuKernel, kMmuUser, kMmuKernelAc}) {
    EXPECT_TRUE(mmu.resolve(0, Access::Read, index).faulted) << index;
    EXPECT_TRUE(mmu.resolve(0, Access::Write, index).faulted) << index;
    EXPECT_EQ(mmu.code_pointer_fast(0, index), nullptr) << index;
  }
}

// [SDM 3A "32-Bit Paging"]
TEST_F(PageFlush, TakesBothHalvesOfFourMegabytes) {
  constexpr u64 kDirectory = 0x30000;
  machine_.memory().store<u32>(kDirectory, 0x83);
  x86::X86State& s = cpu_.state();
  s.cr4 = x86::kCr4PSE;
  s.efer = 0;
  s.cr3 = kDirectory;
  for (const u64 flushed : {u64{0}, u64{2_MiB}})
    for (const u64 used : {u64{kPageSize}, u64{2_MiB + kPageSize}}) {
      tlb_fills(used);
      mmu.flush_page(flushed);
      EXPECT_EQ(tlb_fills(used), 1u);
    }
}

TEST_F(PageFlush, LeavesLargePagesAlone) {
  constexpr unsigned kFew = 300;
  for (u64 n = 0; n < kFew; ++n) tlb_fills(kKernel + n * kLargePage);
  const u64 before = mmu.counters().flushes;
  for (u64 n = 0; n < 20000; ++n) mmu.flush_page(0x7f0000000000 + n * kPageSize);
  EXPECT_EQ(mmu.counters().flushes, before);
}

// A device's page is found without a walk, as long as nothing is forgotten: the tables change in
// between.
TEST_F(PageFlush, TakesPagesOfDevices) {
  constexpr u64 kEntry = kTables + 0x2000, kDevice = 0xfee00000, kOther = 0xfec00000;
  x86::X86State& s = cpu_.state();
  const auto physical = [this](Access access) {
    return mmu.resolve(kKernel + 0x123, access, kMmuKernel).physical;
  };
  const auto place = [this](u64 at) { machine_.memory().store<u64>(kEntry, at | 0xe3); };
  for (const auto& forget : std::initializer_list<std::function<void()>>{
           [this] { mmu.flush(true); }, [this] { mmu.flush(false); },
           [this] { mmu.flush_page(kKernel); }, [this] { mmu.switch_space(5, false); },
           [this] { mmu.switch_space(5, true); }})
    for (const Access access : {Access::Read, Access::Write}) {
      place(kDevice);
      forget();
      EXPECT_EQ(physical(access), kDevice + 0x123);
      place(kOther);
      EXPECT_EQ(physical(access), kDevice + 0x123) << "it was walked for again";
      forget();
      EXPECT_EQ(physical(access), kOther + 0x123);
      // What may only be read is not written to.
      machine_.memory().store<u64>(kEntry, kDevice | 0x81);
      forget();
      EXPECT_EQ(physical(Access::Read), kDevice + 0x123);
      EXPECT_TRUE(mmu.resolve(kKernel, Access::Write, kMmuKernel).faulted);
      EXPECT_EQ(mmu.resolve(kKernel, Access::Execute, kMmuKernel).host, nullptr);
      // Neither by users.
      EXPECT_TRUE(mmu.resolve(kKernel, Access::Read, kMmuUser).faulted);
    }
  // Memory takes the place of a device.
  place(kDevice);
  mmu.flush(true);
  EXPECT_EQ(physical(Access::Read), kDevice + 0x123);
  s.cr3 = kTables;
  place(0);
  mmu.flush(true);
  EXPECT_EQ(mmu.resolve(kKernel + 0x123, Access::Read, kMmuKernel).host,
            machine_.ram().host() + 0x123);
}

// Random tables: what the walk without vector registers is sure of is what the other one finds.
// [SDM 3A "4-Level Paging and 5-Level Paging"]
TEST_F(PageFlush, TheFastWalkIsRightWhereItIsSure) {
  constexpr u64 kLinear = 0x0000123456789000, kNoExecute = u64{1} << 63, kBeyond = u64{1} << 51;
  constexpr u64 kUsual = 0x67;  // present, writable, the user's, accessed, dirty
  std::mt19937_64 random(20261129);
  const auto one_in = [&random](unsigned n) { return random() % n == 0; };
  AddressSpace& memory = machine_.memory();
  x86::X86State& s = cpu_.state();
  tlb_fills(kKernel);             // it knows the machine's memory from now on
  std::map<u32, unsigned> found;  // by error code, or what was no fault
  constexpr u32 kPage = 1000, kNotSure = 1001;
  for (unsigned turn = 0; turn < 100'000; ++turn) {
    u64 table = kTables + 0x10000;
    s.cr3 = table;
    for (unsigned shift = 39;; shift -= 9) {
      u64 entry = kUsual;
      for (const u64 bit : {0x1, 0x2, 0x4, 0x20, 0x40})
        if (one_in(12)) entry ^= bit;
      if (one_in(8)) entry |= kNoExecute;
      if (one_in(60)) entry |= kBeyond;
      const bool large = shift != 12 && one_in(20);
      if (large) entry |= 0x80 | (one_in(4) ? 0x2000 : 0) | (one_in(4) ? 0x1000 : 0);
      const u64 next = large ? 0 : table + kPageSize;
      memory.store<u64>(table + (kLinear >> shift & 0x1ff) * 8, entry | next);
      if (large || shift == 12) break;
      table = next;
    }
    s.has_gbpages = one_in(2) ? 0 : 1;
    s.efer = x86::kEferLME | x86::kEferLMA | (one_in(4) ? 0 : x86::kEferNXE);
    s.cr4 = x86::kCr4PAE | (one_in(2) ? x86::kCr4SMAP : 0) | (one_in(2) ? x86::kCr4SMEP : 0);
    const auto index = static_cast<MmuIndex>(random() % kMmuCount);
    if (index == kMmuKernelAc) s.cr4 |= x86::kCr4SMAP;
    s.rflags = 2 | (index == kMmuKernelAc ? x86::kAC : 0);
    const bool write = one_in(2);
    mmu.flush(true);
    u32 fault = 0;
    const u8* const host = mmu.resolve_fast(kLinear, write, index, &fault);
    const x86::Translation t =
        translate(s, memory, kLinear, write ? Access::Write : Access::Read,
                  index == kMmuUser ? Privilege::User : Privilege::Supervisor);
    if (host != nullptr) {
      ASSERT_TRUE(t.ok) << "turn " << turn;
      ASSERT_EQ(host, machine_.ram().host() + t.physical) << "turn " << turn;
      ASSERT_EQ(fault, 0u);
    } else if (fault != 0) {
      ASSERT_FALSE(t.ok) << "turn " << turn;
      ASSERT_EQ(fault, t.error_code | SoftMmu::kIsFault) << "turn " << turn;
    }
    ++found[host != nullptr ? kPage : fault != 0 ? fault & ~SoftMmu::kIsFault : kNotSure];
  }
  // Each kind was seen: pages, absent pages, and those that were refused, by both levels.
  for (const u32 kind : {kPage, kNotSure, 0u, 1u, 2u, 3u, 4u, 5u, 6u, 7u})
    EXPECT_GT(found[kind], 100u) << kind;
}

TEST_F(PageFlush, FindsPagesQuicklyWithoutPaging) {
  x86::X86State& s = cpu_.state();
  s.efer = 0;
  for (const u64 cr0 : {u64{0}, x86::kCr0PE}) {
    s.cr0 = cr0;
    mmu.flush(true);
    const u8* const ram = machine_.ram().host();
    // Where memory is has to be known first.
    EXPECT_EQ(mmu.resolve(0x5000, Access::Read, kMmuKernel).host, ram + 0x5000);
    EXPECT_EQ(mmu.resolve_fast(0x7123, false, kMmuKernel), ram + 0x7123);
    EXPECT_EQ(mmu.resolve_fast(0x8fff, true, kMmuKernel), ram + 0x8fff);
    const TlbEntry& e = jit_state(cpu_).tlb[kMmuKernel][tlb_index(0x8000)];
    EXPECT_EQ(e.write_tag, 0x8000u);
    EXPECT_EQ(e.exec_tag, 0x8000u);
    EXPECT_EQ(mmu.resolve_fast(0xfee00000, false, kMmuKernel), nullptr);
    EXPECT_EQ(mmu.resolve_fast(0x100007000, false, kMmuKernel), nullptr);
  }
}

TEST_F(PageFlush, KnowsTheLinksOfOtherModes) {
  const auto key = [](u32 n) { return JumpKey{n, n * u64{16}}; };
  const u64 first = links(kMmuKernel);
  mmu.switch_jumps(key(0), key(1));
  const u64 second = links(kMmuKernel);
  EXPECT_NE(second, first);
  mmu.switch_jumps(key(1), key(0));
  EXPECT_EQ(links(kMmuKernel), first);
  mmu.switch_jumps(key(0), key(1));
  EXPECT_EQ(links(kMmuKernel), second);
  // Those of one that is not named are never known again.
  mmu.switch_jumps(key(1), {});
  EXPECT_NE(links(kMmuKernel), second);
  mmu.switch_jumps({}, key(1));
  EXPECT_EQ(links(kMmuKernel), second);
  // Nor are those of before a flush that concerns the kernel's code, or of long ago, though of
  // many.
  mmu.flush(true);
  mmu.switch_jumps(key(1), key(0));
  EXPECT_NE(links(kMmuKernel), first);
  const u64 old = links(kMmuKernel);
  for (u32 n = 0; n < 16; ++n) mmu.switch_jumps(key(n), key(n + 1));
  unsigned known = 0;
  for (u32 n = 16; n != 0; --n) {
    const u64 links_before = links(kMmuKernel);
    mmu.switch_jumps(key(n), key(n - 1));
    known += links(kMmuKernel) < links_before ? 1 : 0;
  }
  EXPECT_GE(known, 10u);
  for (u32 n = 0; n < 1000; ++n) mmu.switch_jumps(key(n), key(n + 1));
  mmu.switch_jumps(key(1000), key(0));
  EXPECT_NE(links(kMmuKernel), old);
}

class AddressSpaces : public PageFlush {
 protected:
  static constexpr u64 kCode = 0x400000, kOther = 0x500000;

  AddressSpaces() {
    cpu_.state().cr4 |= x86::kCr4PCIDE;
    enter(1, false);
    mmu.note_executed(kCode, kMmuUser);
    first_ = links(kMmuUser);
  }
  void enter(u64 pcid, bool keep) {
    cpu_.state().cr3 = kTables | pcid;
    mmu.switch_space(pcid, keep);
  }
  // Whether its jumps are known where it is entered again.
  bool first_is_known() {
    enter(1, true);
    return links(kMmuUser) == first_;
  }

  u64 first_ = 0;
};

TEST_F(AddressSpaces, KeepTheirJumps) {
  enter(2, false);
  const u64 second = links(kMmuUser);
  EXPECT_NE(second, first_);
  for (unsigned turn = 0; turn < 3; ++turn) {
    EXPECT_TRUE(first_is_known());
    enter(2, true);
    EXPECT_EQ(links(kMmuUser), second);
  }
}

TEST_F(AddressSpaces, LeaveTheTlb) {
  mmu.flush(true);
  tlb_fills(kKernel);
  enter(2, false);
  EXPECT_EQ(tlb_fills(kKernel), 1u);
  enter(1, true);
  EXPECT_EQ(tlb_fills(kKernel), 1u);
}

TEST_F(AddressSpaces, BeginAnewIfTheyAreNotKept) {
  enter(2, false);
  enter(1, false);
  EXPECT_NE(links(kMmuUser), first_);
}

TEST_F(AddressSpaces, AreForgottenOneByOne) {
  enter(2, false);
  mmu.flush_space(3);
  mmu.flush_page_of(1, kOther);
  mmu.flush_page(kOther);
  EXPECT_TRUE(first_is_known());
  enter(2, true);
  mmu.flush_space(1);
  EXPECT_FALSE(first_is_known());
}

TEST_F(AddressSpaces, AreForgottenWithAPageOfTheirCode) {
  enter(2, false);
  mmu.flush_page_of(1, kCode);
  EXPECT_FALSE(first_is_known());
}

// As global pages are those of all.
TEST_F(AddressSpaces, AreForgottenWithAPageOfTheirCodeInAnother) {
  enter(2, false);
  mmu.flush_page(kCode);
  EXPECT_FALSE(first_is_known());
}

TEST_F(AddressSpaces, AreForgottenWithEverything) {
  for (const bool globals : {false, true}) {
    enter(1, false);
    first_ = links(kMmuUser);
    enter(2, false);
    mmu.flush(globals);
    EXPECT_FALSE(first_is_known());
  }
}

TEST_F(AddressSpaces, AreForgottenWithTheModeOfTheirCode) {
  enter(2, false);
  mmu.forget_jumps(kMmuUser);
  EXPECT_FALSE(first_is_known());
}

TEST_F(AddressSpaces, AreForgottenIfTheyWereLeftLongAgo) {
  for (u64 pcid = 2; pcid < 6; ++pcid) enter(pcid, false);
  EXPECT_TRUE(first_is_known());
  for (u64 pcid = 2; pcid < 50; ++pcid) enter(pcid, false);
  EXPECT_FALSE(first_is_known());
}

// A generation's number comes again one day.
TEST_F(AddressSpaces, AreNotTakenForAnothersOfTheSameNumber) {
  const u64 generation = jit_state(cpu_).jump_generation[kMmuUser];
  enter(2, false);
  for (unsigned n = 0; n < 70'000; ++n) {
    mmu.flush_space(2);
    EXPECT_NE(jit_state(cpu_).jump_generation[kMmuUser], 0u);
    if (jit_state(cpu_).jump_generation[kMmuUser] != generation) continue;
    EXPECT_FALSE(first_is_known());
    return;
  }
  FAIL() << "it did not";
}

}  // namespace
}  // namespace backplane::tcg
