// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <functional>

#include "backplane/memory.h"

namespace backplane {
namespace {

// Eight bytes of registers that read as their own offsets: 07 06 05 04 03 02 01 00.
class Bytes {
 public:
  u64 read(u64 offset, unsigned size) {
    log += fmt::format("r{}@{:x} ", size, offset);
    u64 value = 0;
    for (unsigned i = 0; i < size; ++i) value |= ((offset + i) & 0xff) << (i * 8);
    // What a device leaves above its size is nobody's concern.
    return size < 8 ? value | ~u64{0} << (size * 8) : value;
  }
  void write(u64 offset, u64 value, unsigned size) {
    log += fmt::format("w{}@{:x}={:x} ", size, offset, value);
    if (on_write) on_write();
  }
  std::string log;
  std::function<void()> on_write;
};

class MmioTest : public testing::Test {
 protected:
  // A region of 16 bytes at 0x1000 whose device implements the sizes from min to max.
  void make(unsigned min, unsigned max, bool unaligned = false) {
    MmioHandler handler = MmioHandler::of<&Bytes::read, &Bytes::write>(device).sizes(min, max);
    handler.unaligned = unaligned;
    region = MemoryRegion::mmio("device", 16, handler);
    root->add_subregion(0x1000, *region);
  }
  FlatRange range() { return *space.view()->find(0x1000); }
  u64 read(u64 offset, unsigned size) {
    u64 value = 0;
    EXPECT_EQ(mmio_read(range(), 0x1000 + offset, value, size), MemResult::Ok);
    return value;
  }
  void write(u64 offset, u64 value, unsigned size) {
    EXPECT_EQ(mmio_write(range(), 0x1000 + offset, value, size), MemResult::Ok);
  }

  Bytes device;
  std::unique_ptr<MemoryRegion> root = MemoryRegion::container("root", MemoryRegion::kMaxSize);
  std::unique_ptr<MemoryRegion> region;
  AddressSpace space{"space", *root};
};

TEST_F(MmioTest, PassesFittingAccessesOn) {
  make(1, 8);
  EXPECT_EQ(read(4, 4), 0x07060504U);
  EXPECT_EQ(read(0, 8), 0x0706050403020100U);
  EXPECT_EQ(device.log, "r4@4 r8@0 ");
}

TEST_F(MmioTest, SplitsWiderAccesses) {
  make(1, 2);
  EXPECT_EQ(read(4, 8), 0x0b0a090807060504U);
  write(0, 0x11223344, 4);
  EXPECT_EQ(device.log, "r2@4 r2@6 r2@8 r2@a w2@0=3344 w2@2=1122 ");
}

TEST_F(MmioTest, WidensNarrowerReads) {
  make(4, 4);
  EXPECT_EQ(read(6, 1), 0x06U);
  EXPECT_EQ(read(6, 2), 0x0706U);
  EXPECT_EQ(device.log, "r4@4 r4@4 ");
}

TEST_F(MmioTest, WidensNarrowerWrites) {
  make(4, 4);
  write(5, 0xab, 1);
  EXPECT_EQ(device.log, "w4@4=ab00 ");
}

TEST_F(MmioTest, SplitsUnalignedAccesses) {
  make(1, 4);
  EXPECT_EQ(read(1, 4), 0x04030201U);
  EXPECT_EQ(device.log, "r1@1 r2@2 r1@4 ");
}

TEST_F(MmioTest, PassesUnalignedAccessesToADeviceThatTakesThem) {
  make(1, 4, true);
  EXPECT_EQ(read(1, 4), 0x04030201U);
  EXPECT_EQ(device.log, "r4@1 ");
}

TEST_F(MmioTest, WidensThePiecesOfAnUnalignedAccess) {
  make(4, 4);
  EXPECT_EQ(read(2, 4), 0x05040302U);
  write(2, 0x44332211, 4);
  EXPECT_EQ(device.log, "r4@0 r4@4 w4@0=22110000 w4@4=4433 ");
}

TEST_F(MmioTest, RefusesAnAccessThatLeavesTheRegion) {
  make(1, 8);
  u64 value = 0;
  EXPECT_EQ(mmio_read(range(), 0x100e, value, 4), MemResult::DecodeError);
  EXPECT_EQ(value, 0xffffffffU);
  EXPECT_EQ(mmio_write(range(), 0x100e, 0, 4), MemResult::DecodeError);
  EXPECT_EQ(mmio_read(range(), 0xfff, value, 2), MemResult::DecodeError);
  EXPECT_EQ(device.log, "");
}

TEST_F(MmioTest, RegionWithoutHandlersRefuses) {
  region = MemoryRegion::mmio("mute", 16, {});
  root->add_subregion(0x1000, *region);
  EXPECT_EQ(space.store<u32>(0x1000, 1), MemResult::AccessError);
  EXPECT_EQ(space.load<u32>(0x1000), 0xffffffffU);
}

TEST_F(MmioTest, DeviceThatReachesItselfIsRefused) {
  make(1, 8);
  MemResult inner = MemResult::Ok;
  device.on_write = [&] { inner = space.store<u32>(0x1008, 1); };
  EXPECT_EQ(space.store<u32>(0x1000, 1), MemResult::Ok);
  EXPECT_EQ(inner, MemResult::AccessError);
  device.on_write = {};
  EXPECT_EQ(space.store<u32>(0x1008, 2), MemResult::Ok);
}

TEST_F(MmioTest, DeviceMayReachAnother) {
  make(1, 8);
  Bytes other;
  const auto other_region =
      MemoryRegion::mmio("other", 16, MmioHandler::of<&Bytes::read, &Bytes::write>(other));
  root->add_subregion(0x2000, *other_region);
  device.on_write = [&] { space.store<u32>(0x2000, 5); };
  // And that one back: refused, as the first is still busy.
  other.on_write = [&] { EXPECT_EQ(space.store<u32>(0x1000, 6), MemResult::AccessError); };
  EXPECT_EQ(space.store<u32>(0x1000, 1), MemResult::Ok);
  EXPECT_EQ(other.log, "w4@0=5 ");
}

TEST_F(MmioTest, DeviceMayTakeItsRegionAwayWhileItAnswers) {
  make(1, 1);
  device.on_write = [&] { region.reset(); };
  EXPECT_EQ(space.store<u16>(0x1000, 0x0201), MemResult::Ok);
  EXPECT_EQ(space.store<u16>(0x1000, 0x0201), MemResult::DecodeError);
}

TEST_F(MmioTest, AHandlerThatThrowsEndsTheProgramWithALine) {
  make(1, 4);
  device.on_write = [] { throw 7; };
  EXPECT_DEATH_IF_SUPPORTED(
      space.store<u32>(0x1004, 1),
      "sdk-memory-tests.*: a write of 'device' at 0x4 threw: an exception of type int");
}

TEST_F(MmioTest, ADebuggerReadsAsTheGuestAndDoesNotWrite) {
  make(1, 8);
  u8 bytes[4] = {};
  EXPECT_EQ(space.debug_read(0x1004, bytes, 4), MemResult::Ok);
  EXPECT_EQ(bytes[3], 7);
  EXPECT_EQ(device.log, "r4@4 ");
  EXPECT_EQ(space.debug_write(0x1004, bytes, 4), MemResult::AccessError);
  EXPECT_EQ(space.debug_read(0x100e, bytes, 4), MemResult::DecodeError);
  EXPECT_EQ(space.debug_read(0x2000, bytes, 1), MemResult::DecodeError);
}

TEST_F(MmioTest, ADebugHandlerAnswersADebuggerAlone) {
  make(1, 8);
  Bytes debugged;
  const DebugAccess access(space, *region,
                           MmioHandler::of<&Bytes::read, &Bytes::write>(debugged).sizes(1, 1));
  u8 bytes[2] = {};
  EXPECT_EQ(space.debug_read(0x1004, bytes, 2), MemResult::Ok);
  EXPECT_EQ(space.debug_write(0x1004, bytes, 2), MemResult::Ok);
  EXPECT_EQ(debugged.log, "r1@4 r1@5 w1@4=4 w1@5=5 ");
  EXPECT_EQ(device.log, "");
}

TEST_F(MmioTest, ADebuggerWritesToRom) {
  const auto block = std::make_shared<RamBlock>("rom", kPageSize);
  const auto rom = MemoryRegion::rom("rom", block, 0, kPageSize);
  root->add_subregion(0x4000, *rom);
  const u8 byte = 0xf4;
  EXPECT_EQ(space.write(0x4001, &byte, 1), MemResult::AccessError);
  EXPECT_EQ(space.debug_write(0x4001, &byte, 1), MemResult::Ok);
  u8 seen = 0;
  EXPECT_EQ(space.debug_read(0x4001, &seen, 1), MemResult::Ok);
  EXPECT_EQ(seen, 0xf4);
  root->remove_subregion(*rom);
}

}  // namespace
}  // namespace backplane
