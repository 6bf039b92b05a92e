// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <array>
#include <thread>

#include "backplane/machine_lock.h"
#include "backplane/memory.h"

namespace backplane {
namespace {

constexpr u64 kRamSize = 0x10000;
constexpr u64 kRomAddress = 0x20000;
constexpr u64 kDeviceAddress = 0x30000;

// Remembers accesses; answers with the offset.
class Recorder {
 public:
  u64 read(u64 offset, unsigned size) {
    log += fmt::format("r{}@{:x} ", size, offset);
    return 0x1111'1111'1111'1100 + offset;
  }
  void write(u64 offset, u64 value, unsigned size) {
    log += fmt::format("w{}@{:x}={:x} ", size, offset, value);
    had_lock = MachineLock::held_by_me();
  }
  std::string log;
  bool had_lock = false;
};

class AddressSpaceTest : public testing::Test {
 protected:
  AddressSpaceTest() {
    root->add_subregion(0, *ram);
    root->add_subregion(kRomAddress, *rom);
    root->add_subregion(kDeviceAddress, *mmio);
  }

  Recorder device;
  std::shared_ptr<RamBlock> block = std::make_shared<RamBlock>("ram", kRamSize);
  std::shared_ptr<RamBlock> rom_block = std::make_shared<RamBlock>("rom", kPageSize);
  std::unique_ptr<MemoryRegion> root = MemoryRegion::container("root", MemoryRegion::kMaxSize);
  std::unique_ptr<MemoryRegion> ram = MemoryRegion::ram("ram", block, 0, kRamSize);
  std::unique_ptr<MemoryRegion> rom = MemoryRegion::rom("rom", rom_block, 0, kPageSize);
  std::unique_ptr<MemoryRegion> mmio = MemoryRegion::mmio(
      "device", 0x100, MmioHandler::of<&Recorder::read, &Recorder::write>(device));
  AddressSpace space{"space", *root};
};

TEST_F(AddressSpaceTest, RamKeepsWhatIsWritten) {
  EXPECT_EQ(space.store<u32>(0x1234, 0xdeadbeef), MemResult::Ok);
  EXPECT_EQ(space.load<u32>(0x1234), 0xdeadbeefU);
  EXPECT_EQ(block->host()[0x1234], 0xef);
}

TEST_F(AddressSpaceTest, NothingReadsAsOnes) {
  u64 value = 0;
  EXPECT_EQ(space.read(0x9'0000'0000, &value, sizeof value), MemResult::DecodeError);
  EXPECT_EQ(value, ~u64{0});
  EXPECT_EQ(space.write(0x9'0000'0000, &value, sizeof value), MemResult::DecodeError);
}

TEST_F(AddressSpaceTest, RomRefusesWrites) {
  rom_block->host()[0] = 0x55;
  EXPECT_EQ(space.store<u8>(kRomAddress, 1), MemResult::AccessError);
  EXPECT_EQ(space.load<u8>(kRomAddress), 0x55);
}

TEST_F(AddressSpaceTest, AccessAcrossTheEndOfRamDoesItsPart) {
  std::array<u8, 8> data{1, 2, 3, 4, 5, 6, 7, 8};
  EXPECT_EQ(space.write(kRamSize - 4, data.data(), 8), MemResult::DecodeError);
  EXPECT_EQ(block->host()[kRamSize - 1], 4);
  EXPECT_EQ(space.read(kRamSize - 4, data.data(), 8), MemResult::DecodeError);
  EXPECT_EQ(data, (std::array<u8, 8>{1, 2, 3, 4, 0xff, 0xff, 0xff, 0xff}));
}

TEST_F(AddressSpaceTest, AccessAtTheTopOfAllAddressesEnds) {
  std::array<u8, 16> data{};
  EXPECT_EQ(space.read(~u64{0} - 3, data.data(), data.size()), MemResult::DecodeError);
  EXPECT_EQ(data[15], 0xff);
}

TEST_F(AddressSpaceTest, DeviceSeesAccessesOfItsSizes) {
  space.store<u8>(kDeviceAddress + 1, 0x12);
  space.store<u16>(kDeviceAddress + 2, 0x1234);
  space.store<u32>(kDeviceAddress + 4, 0x12345678);
  space.store<u64>(kDeviceAddress + 8, 0x123456789);
  EXPECT_EQ(device.log, "w1@1=12 w2@2=1234 w4@4=12345678 w8@8=123456789 ");
  EXPECT_EQ(space.load<u16>(kDeviceAddress + 0x10), 0x1110);
}

TEST_F(AddressSpaceTest, DeviceSeesABufferInAlignedPieces) {
  std::array<u8, 7> data{1, 2, 3, 4, 5, 6, 7};
  EXPECT_EQ(space.write(kDeviceAddress + 1, data.data(), data.size()), MemResult::Ok);
  EXPECT_EQ(device.log, "w1@1=1 w2@2=302 w4@4=7060504 ");
}

TEST_F(AddressSpaceTest, DeviceIsCalledWithTheMachineLock) {
  space.store<u8>(kDeviceAddress, 0);
  EXPECT_TRUE(device.had_lock);
  EXPECT_FALSE(MachineLock::held_by_me());
}

TEST_F(AddressSpaceTest, FillSetsRamOnly) {
  EXPECT_EQ(space.fill(0x100, 0xaa, 0x200), MemResult::Ok);
  EXPECT_EQ(space.load<u8>(0xff), 0);
  EXPECT_EQ(space.load<u8>(0x100), 0xaa);
  EXPECT_EQ(space.load<u8>(0x2ff), 0xaa);
  EXPECT_EQ(space.load<u8>(0x300), 0);
  EXPECT_EQ(space.fill(kDeviceAddress, 0, 4), MemResult::AccessError);
  EXPECT_EQ(device.log, "");
}

TEST_F(AddressSpaceTest, FillOfEverythingEnds) {
  EXPECT_NE(space.fill(0, 0, ~u64{0}), MemResult::Ok);
}

TEST_F(AddressSpaceTest, RamPointerIsForRamInOnePiece) {
  EXPECT_EQ(space.ram_pointer(0x10, 0x20, true), block->host() + 0x10);
  EXPECT_EQ(space.ram_pointer(kRamSize - 1, 1, true), block->host() + kRamSize - 1);
  EXPECT_EQ(space.ram_pointer(kRamSize - 1, 2, true), nullptr);
  EXPECT_EQ(space.ram_pointer(0, ~u64{0}, false), nullptr);
  EXPECT_EQ(space.ram_pointer(kDeviceAddress, 4, false), nullptr);
  EXPECT_EQ(space.ram_pointer(kRomAddress, 4, true), nullptr);
  EXPECT_EQ(space.ram_pointer(kRomAddress, 4, false), rom_block->host());
}

TEST_F(AddressSpaceTest, WritesToPagesWithCodeAreReportedFirst) {
  std::string log;
  block->set_code_write_hook([&](RamBlock& b, u64 offset, u64 size) {
    log += fmt::format("{:x}+{:x} was {:x} ", offset, size, b.host()[offset]);
  });
  block->page_flags(0x2000) = RamBlock::kHasCode;
  space.store<u8>(0x1fff, 1);
  EXPECT_EQ(log, "");
  space.store<u8>(0x2000, 7);
  EXPECT_EQ(log, "2000+1 was 0 ");
  log.clear();
  space.store<u32>(0x1ffe, 0);
  EXPECT_EQ(log, "1ffe+4 was 0 ");
  log.clear();
  space.fill(0x1000, 0, 0x3000);
  EXPECT_EQ(log, "1000+3000 was 0 ");
  log.clear();
  EXPECT_NE(space.ram_pointer(0x2800, 1, true), nullptr);
  EXPECT_NE(log, "");
  log.clear();
  space.ram_pointer(0x2800, 1, false);
  space.load<u32>(0x2000);
  EXPECT_EQ(log, "");
}

TEST_F(AddressSpaceTest, GenerationCountsChangesOfTheView) {
  const u64 before = space.generation();
  mmio->set_enabled(false);
  EXPECT_EQ(space.generation(), before + 1);
  mmio->set_enabled(false);
  EXPECT_EQ(space.generation(), before + 1);
}

TEST_F(AddressSpaceTest, BatchMakesOneViewOfSeveralChanges) {
  const u64 before = space.generation();
  {
    const MemoryRegion::Batch outer;
    mmio->set_enabled(false);
    {
      const MemoryRegion::Batch inner;
      rom->set_enabled(false);
    }
    EXPECT_EQ(space.generation(), before);
  }
  EXPECT_EQ(space.generation(), before + 1);
}

TEST_F(AddressSpaceTest, ChangesThatCancelOutMakeNoView) {
  const u64 before = space.generation();
  {
    const MemoryRegion::Batch batch;
    mmio->set_address(0x40000);
    mmio->set_address(kDeviceAddress);
  }
  EXPECT_EQ(space.generation(), before);
}

TEST_F(AddressSpaceTest, OtherAddressSpacesKeepTheirView) {
  const auto other_root = MemoryRegion::container("other", 0x1000);
  const AddressSpace other("other", *other_root);
  const u64 before = other.generation();
  mmio->set_enabled(false);
  EXPECT_EQ(other.generation(), before);
}

TEST_F(AddressSpaceTest, AnotherThreadSeesTheChange) {
  space.load<u8>(kDeviceAddress);
  device.log.clear();
  std::thread([&] {
    space.load<u8>(kDeviceAddress);
    {
      const MachineLock::Guard lock;
      mmio->set_enabled(false);
    }
    space.load<u8>(kDeviceAddress);
  }).join();
  space.load<u8>(kDeviceAddress);
  EXPECT_EQ(device.log, "r1@0 ");
}

TEST_F(AddressSpaceTest, DescribesItsTree) {
  const Value tree = space.describe();
  const Value& root = tree.find("regions")->as_list().at(0);
  const Value::List& regions = root.find("regions")->as_list();
  const auto found = std::ranges::find_if(
      regions, [](const Value& region) { return region.find("name")->as_string() == "device"; });
  ASSERT_NE(found, regions.end());
  EXPECT_EQ(found->find("start")->as_unsigned(), 0x30000u);
  EXPECT_EQ(found->find("end")->as_unsigned(), 0x300ffu);
  EXPECT_EQ(found->find("kind")->as_string(), "i/o");
  EXPECT_TRUE(found->find("enabled")->as_bool());
}

}  // namespace
}  // namespace backplane
