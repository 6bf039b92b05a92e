// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "test_guest.h"

namespace backplane::x86::testing {
namespace {

constexpr u64 kFrom = TestGuest::kData;
constexpr u64 kTo = TestGuest::kData + 2 * kPageSize + 5;

class Strings : public ::testing::Test {
 protected:
  void SetUp() override { place(kFrom, kTo); }
  void place(u64 from, u64 to) {
    guest.reg(RSI) = guest.address(from);
    guest.reg(RDI) = guest.address(to);
  }
  // Steps until RIP moves on; says in how many steps.
  unsigned finish(std::initializer_list<int> code) {
    const u64 rip = guest.state().rip;
    unsigned steps = 1;
    Interpreter::Step result = guest.run(code);
    while (result == Interpreter::Step::Done && guest.state().rip == rip) {
      result = guest.step();
      ++steps;
    }
    EXPECT_EQ(guest.state().rip, rip + code.size());
    guest.state().rip = rip;
    return steps;
  }
  void fill(u64 offset, u64 size) {
    for (u64 n = 0; n < size; ++n) guest.store_value<u8>(offset + n, static_cast<u8>(n * 7 + 1));
  }
  bool copied(u64 from, u64 to, u64 size) {
    return std::memcmp(guest.arena.data() + from, guest.arena.data() + to, size) == 0;
  }

  TestGuest guest;
};

TEST_F(Strings, ARepetitionOfNoneDoesNothing) {
  guest.reg(RCX) = 0;
  finish({0xf3, 0xa4});
  EXPECT_EQ(guest.reg(RSI), guest.address(kFrom));
  EXPECT_EQ(guest.reg(RDI), guest.address(kTo));
}

TEST_F(Strings, MovesAcrossPages) {
  fill(kFrom, 6000);
  guest.reg(RCX) = 6000;
  finish({0xf3, 0xa4});
  EXPECT_TRUE(copied(kFrom, kTo, 6000));
  EXPECT_EQ(guest.reg(RCX), 0U);
  EXPECT_EQ(guest.reg(RSI), guest.address(kFrom + 6000));
  EXPECT_EQ(guest.reg(RDI), guest.address(kTo + 6000));
}

TEST_F(Strings, ElementsCrossPages) {
  fill(kFrom + 3, 8000);
  place(kFrom + 3, kTo);
  guest.reg(RCX) = 1000;
  finish({0xf3, 0x48, 0xa5});
  EXPECT_TRUE(copied(kFrom + 3, kTo, 8000));
}

TEST_F(Strings, MovesBackward) {
  fill(kFrom, 100);
  guest.state().rflags |= kDF;
  place(kFrom + 96, kTo + 96);
  guest.reg(RCX) = 25;
  finish({0xf3, 0xa5});
  EXPECT_TRUE(copied(kFrom, kTo, 100));
  EXPECT_EQ(guest.reg(RSI), guest.address(kFrom - 4));
}

TEST_F(Strings, AnOverlapPropagatesAnElement) {
  guest.store_value<u8>(kFrom, 0xab);
  place(kFrom, kFrom + 1);
  guest.reg(RCX) = 300;
  finish({0xf3, 0xa4});
  for (u64 n = 0; n <= 300; ++n) ASSERT_EQ(guest.load_value<u8>(kFrom + n), 0xab);
}

TEST_F(Strings, WhatIsNotRamIsMovedElementByElement) {
  guest.memory.direct = false;
  fill(kFrom, 64);
  guest.reg(RCX) = 16;
  finish({0xf3, 0xa5});
  EXPECT_TRUE(copied(kFrom, kTo, 64));
}

TEST_F(Strings, AStepDoesABoundedShare) {
  guest.memory.direct = false;
  guest.reg(RCX) = 10000;
  EXPECT_GT(finish({0xf3, 0xaa}), 1U);
}

TEST_F(Strings, AFaultInTheMiddleLeavesProgressInRegisters) {
  guest.memory.set_rights(kTo / kPageSize + 1, ArenaMemory::kRead);
  guest.reg(RAX) = 0x5555555555555555;
  guest.reg(RDI) = guest.address(kTo);
  guest.reg(RCX) = 1000;
  const u64 room = kPageSize - kTo % kPageSize;
  const u64 whole = room / 8;
  const u64 rip = guest.state().rip;
  Interpreter::Step step = guest.run({0xf3, 0x48, 0xab});
  while (step == Interpreter::Step::Done) step = guest.step();
  const TestGuest::Fault f = guest.delivered();
  EXPECT_EQ(f.vector, kPFVector);
  EXPECT_EQ(f.rip, rip);
  EXPECT_EQ(guest.reg(RCX), 1000 - whole);
  EXPECT_EQ(guest.reg(RDI), guest.address(kTo + 8 * whole));
  EXPECT_EQ(guest.load_value<u64>(kTo + 8 * (whole - 1)), 0x5555555555555555U);
}

TEST_F(Strings, AFaultInTheMiddleOfAComparisonLeavesTheFlagsOfBefore) {
  // More than a step does, then a page that is not there.
  constexpr u64 kBegin = kTo - kTo % kPageSize + kPageSize - 1500;
  guest.memory.set_rights(kBegin / kPageSize + 1, ArenaMemory::kNone);
  std::memset(guest.arena.data() + kBegin, 9, 1500);
  guest.reg(RAX) = 9;
  guest.reg(RDI) = guest.address(kBegin);
  guest.reg(RCX) = 2000;
  guest.state().rflags |= kCF | kSF;
  Interpreter::Step step = guest.run({0xf3, 0xae});
  while (step == Interpreter::Step::Done) step = guest.step();
  const TestGuest::Fault f = guest.delivered();
  EXPECT_EQ(f.vector, kPFVector);
  EXPECT_EQ(guest.reg(RCX), 500U);
  EXPECT_EQ(guest.state().rflags & kArithmeticFlags, kCF | kSF);
}

TEST_F(Strings, ScanStopsAtTheFirstMatch) {
  guest.store_value<u8>(kTo + 40, 9);
  guest.reg(RAX) = 9;
  guest.reg(RCX) = 100;
  finish({0xf2, 0xae});
  EXPECT_EQ(guest.reg(RDI), guest.address(kTo + 41));
  EXPECT_EQ(guest.reg(RCX), 59U);
  EXPECT_NE(guest.state().rflags & kZF, 0U);
}

TEST_F(Strings, CompareStopsAtTheFirstDifference) {
  fill(kFrom, 64);
  fill(kTo, 64);
  guest.store_value<u8>(kTo + 10, 0);
  guest.reg(RCX) = 64;
  finish({0xf3, 0xa6});
  EXPECT_EQ(guest.reg(RCX), 53U);
  EXPECT_EQ(guest.state().rflags & kZF, 0U);
}

TEST_F(Strings, AddressesOf16BitsWrapAndKeepTheUpperHalves) {
  guest.enter_real_mode();
  guest.reg(RAX) = 0x7788;
  guest.reg(RDI) = 0xabcd0000 + 0xfffe;
  guest.reg(RCX) = 0x12340002;
  finish({0xf3, 0xab});
  EXPECT_EQ(guest.reg(RDI), 0xabcd0002U);
  EXPECT_EQ(guest.reg(RCX), 0x12340000U);
  EXPECT_EQ(guest.load_value<u16>(0xfffe), 0x7788);
  EXPECT_EQ(guest.load_value<u16>(0), 0x7788);
}

TEST_F(Strings, SingleSteppingTrapsAfterEachElement) {
  guest.state().rflags |= kTF;
  guest.reg(RCX) = 3;
  EXPECT_EQ(guest.run({0xf3, 0xaa}), Interpreter::Step::Exception);
  const TestGuest::Fault f = guest.delivered();
  EXPECT_EQ(f.vector, kDB);
  EXPECT_EQ(f.rip, guest.address(0));
  EXPECT_EQ(guest.reg(RCX), 2U);
}

// A port that counts up, and remembers what is written.
struct CounterPort {
  u64 read(u64, unsigned) { return next++; }
  void write(u64, u64 value, unsigned) { written.push_back(static_cast<u8>(value)); }
  u8 next = 1;
  std::vector<u8> written;
};

TEST_F(Strings, PortsAreReadAndWritten) {
  CounterPort port;
  const auto region = MemoryRegion::mmio(
      "counter", 1, MmioHandler::of<&CounterPort::read, &CounterPort::write>(port).sizes(1, 1));
  guest.machine.io_root().add_subregion(0x300, *region);
  guest.reg(RDX) = 0x300;
  guest.reg(RCX) = 5;
  finish({0xf3, 0x6c});
  EXPECT_EQ(guest.load_value<u8>(kTo + 4), 5);
  place(kTo, kTo);
  guest.reg(RCX) = 5;
  finish({0xf3, 0x6e});
  EXPECT_EQ(port.written, (std::vector<u8>{1, 2, 3, 4, 5}));
  guest.machine.io_root().remove_subregion(*region);
}

TEST_F(Strings, AnInputThatCannotBeStoredIsNotTaken) {
  CounterPort port;
  const auto region = MemoryRegion::mmio(
      "counter", 1, MmioHandler::of<&CounterPort::read, &CounterPort::write>(port).sizes(1, 1));
  guest.machine.io_root().add_subregion(0x300, *region);
  guest.memory.set_rights(kTo / kPageSize, ArenaMemory::kRead);
  guest.reg(RDX) = 0x300;
  EXPECT_EQ(guest.fault({0x6c}).vector, kPFVector);
  EXPECT_EQ(port.next, 1);
  guest.machine.io_root().remove_subregion(*region);
}

}  // namespace
}  // namespace backplane::x86::testing
