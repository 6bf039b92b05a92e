// SPDX-License-Identifier: MIT
#include <cerrno>

#include "backplane/error.h"
#include "ide_machine.h"

namespace backplane::testing {
namespace {

using namespace ide;

constexpr Outcome kSilentData{kIdleStatus | status::kDataRequest, 0, false};
constexpr Outcome failed(u8 error) { return {kIdleStatus | status::kError, error, true}; }
constexpr u8 kActive = 1, kDmaError = 2, kDmaInterrupt = 4;

class DiskTest : public IdeTest {
 protected:
  explicit DiskTest(const Properties& properties = {})
      : node_(add_drive("ide-hd", 4_MiB, properties)) {
    power_on();
  }
  std::string sectors(u64 first, u64 count) const {
    return node_.bytes.substr(first * 512, count * 512);
  }
  u16 word(const std::string& identity, unsigned index) const {
    return static_cast<u16>(static_cast<u8>(identity[index * 2]) |
                            static_cast<u8>(identity[index * 2 + 1]) << 8);
  }

  IdeMemoryNode& node_;
};

TEST_F(DiskTest, SaysWhatItIsAfterAReset) {
  EXPECT_EQ(in8(kPrimary + kSectorCount), 1);
  EXPECT_EQ(in8(kPrimary + kLbaLow), 1);
  EXPECT_EQ(in8(kPrimary + kLbaMid), 0);
  EXPECT_EQ(in8(kPrimary + kErrorOrFeatures), error::kDiagnosticPassed);
  EXPECT_EQ(status(), kIdleStatus);
  EXPECT_FALSE(interrupt());
}

TEST_F(DiskTest, IdentifiesItself) {
  issue({.command = kIdentify});
  ASSERT_EQ(wait(), kData);
  const std::string identity = read_words(512);
  EXPECT_EQ(identity.substr(54, 18), "ABKCLPNA EAHDRIDKS");
  EXPECT_EQ(word(identity, 60), 8192);
  EXPECT_EQ(word(identity, 100), 8192);
  unsigned sum = 0;
  for (const char c : identity) sum += static_cast<u8>(c);
  EXPECT_EQ(sum & 0xff, 0u);
  EXPECT_EQ(status(), kIdleStatus);
}

TEST_F(DiskTest, ReadsByPioWithAnInterruptForEachSector) {
  issue({.command = kReadSectors, .count = 2, .lba = 5});
  ASSERT_EQ(wait(), kData);
  EXPECT_EQ(read_words(512), sectors(5, 1));
  ASSERT_EQ(wait(), kData);
  EXPECT_EQ(read_words(512), sectors(6, 1));
  EXPECT_EQ(status(), kIdleStatus);
  EXPECT_FALSE(interrupt());
}

TEST_F(DiskTest, ReadsSeveralSectorsAtOnce) {
  issue({.command = kSetMultiple, .count = 4});
  ASSERT_EQ(wait(), kDone);
  issue({.command = kReadMultiple, .count = 6, .lba = 1});
  ASSERT_EQ(wait(), kData);
  EXPECT_EQ(read_words(4 * 512), sectors(1, 4));
  ASSERT_EQ(wait(), kData);
  EXPECT_EQ(read_words(2 * 512), sectors(5, 2));
  issue({.command = kSetMultiple, .count = 3});
  EXPECT_EQ(wait(), failed(error::kAborted));
}

TEST_F(DiskTest, WritesByPioAndAnnouncesAllBlocksButTheFirst) {
  issue({.command = kWriteSectors, .count = 2, .lba = 7});
  ASSERT_EQ(wait(), kSilentData);
  write_words(std::string(512, 'a'));
  ASSERT_EQ(wait(), kData);
  write_words(std::string(512, 'b'));
  ASSERT_EQ(wait(), kDone);
  EXPECT_EQ(sectors(7, 2), std::string(512, 'a') + std::string(512, 'b'));
}

TEST_F(DiskTest, ReadsMoreThanItsBufferHas) {
  constexpr u16 kCount = 1100;
  issue({.command = kSetMultiple, .count = 16});
  wait();
  issue({.command = kReadMultipleExt, .count = kCount, .lba = 3, .extended = true});
  std::string data;
  while (data.size() < kCount * 512u) {
    ASSERT_EQ(wait(), kData);
    data += read_words(std::min<std::size_t>(16 * 512, kCount * 512 - data.size()));
    if (data.size() == 512 * 512u) {
      ASSERT_TRUE(machine_.run_main_loop_until([&] { return (status() & status::kBusy) == 0; }));
    }
  }
  EXPECT_EQ(data, sectors(3, kCount));
  EXPECT_EQ(status(), kIdleStatus);
}

TEST_F(DiskTest, MovesDataToPiecesOfMemory) {
  put_table({512, 1024, 2048, 512});
  issue({.command = kReadDma, .count = 8, .lba = 100});
  EXPECT_EQ(bus_master_status() & (kActive | kDmaInterrupt), 0);
  start_dma(true);
  ASSERT_EQ(wait(), kDone);
  EXPECT_EQ(bus_master_status() & (kActive | kDmaError | kDmaInterrupt), kDmaInterrupt);
  EXPECT_EQ(memory(kPlace, 4096), sectors(100, 8));
}

TEST_F(DiskTest, MovesDataFromMemoryThoughTheBusMasterIsStartedFirst) {
  put_table({0});  // 64 KiB
  for (u64 at = 0; at < 65536; ++at)
    machine_.memory().store<u8>(kPlace + at, static_cast<u8>(at * 3));
  start_dma(false);
  issue({.command = kWriteDmaExt, .count = 128, .lba = 9, .extended = true});
  ASSERT_EQ(wait(), kDone);
  EXPECT_EQ(sectors(9, 128), memory(kPlace, 65536));
}

TEST_F(DiskTest, WaitsWhileTheTableIsTooShort) {
  put_table({512});
  issue({.command = kReadDma, .count = 2, .lba = 1});
  start_dma(true);
  machine_.run_main_loop_until([&] { return (bus_master_status() & kActive) == 0; });
  EXPECT_NE(status() & status::kBusy, 0);
  EXPECT_FALSE(interrupt());
  EXPECT_EQ(bus_master_status() & (kActive | kDmaError | kDmaInterrupt), 0);
  EXPECT_EQ(memory(kPlace, 512), sectors(1, 1));
  out8(kPrimaryControl, control::kReset);
  out8(kPrimaryControl, 0);
  EXPECT_EQ(status(), kIdleStatus);
}

TEST_F(DiskTest, SaysThatTheTableIsNotInMemory) {
  put_table({512});
  machine_.io().store<u32>(kBusMaster + 4, 0xfff0'0000);
  issue({.command = kReadDma});
  start_dma(true);
  machine_.run_main_loop_until([&] { return (bus_master_status() & kActive) == 0; });
  EXPECT_EQ(bus_master_status() & (kActive | kDmaError), kDmaError);
}

TEST_F(DiskTest, RefusesWhatIsNotOnIt) {
  issue({.command = kReadSectors, .lba = 8192});
  EXPECT_EQ(wait(), failed(error::kNotFound));
  issue({.command = kReadSectors, .count = 2, .lba = 8191});
  EXPECT_EQ(wait(), failed(error::kNotFound));
  issue({.command = kWriteDmaExt, .count = 1, .lba = u64{1} << 47, .extended = true});
  EXPECT_EQ(wait(), failed(error::kNotFound));
  issue({.command = 0xf9});
  EXPECT_EQ(wait(), failed(error::kAborted));
}

TEST_F(DiskTest, IsAddressedByCylinderHeadAndSector) {
  // Cylinder 0, head 1, sector 1 with 63 sectors a track.
  issue({.command = kReadSectors, .lba = 1, .device = 0x01});
  ASSERT_EQ(wait(), kData);
  EXPECT_EQ(read_words(512), sectors(63, 1));
  issue({.command = kInitializeParameters, .count = 32, .device = 0x07});
  EXPECT_EQ(wait(), kDone);
  issue({.command = kReadSectors, .lba = 1, .device = 0x01});
  ASSERT_EQ(wait(), kData);
  EXPECT_EQ(read_words(512), sectors(32, 1));
  issue({.command = kReadSectors, .lba = 0, .device = 0x00});
  EXPECT_EQ(wait(), failed(error::kNotFound));
}

TEST_F(DiskTest, SaysWhatTheHostCouldNotDo) {
  node_.error = -EIO;
  issue({.command = kReadSectors, .lba = 77});
  EXPECT_EQ(wait(), failed(error::kUncorrectable));
  EXPECT_EQ(in8(kPrimary + kLbaLow), 77);
  issue({.command = kWriteSectors});
  ASSERT_EQ(wait(), kSilentData);
  write_words(std::string(512, 'x'));
  EXPECT_EQ(wait(),
            (Outcome{kIdleStatus | status::kError | status::kFault, error::kAborted, true}));
}

TEST_F(DiskTest, FlushesAndTrims) {
  issue({.command = kFlushCache});
  EXPECT_EQ(wait(), kDone);
  EXPECT_EQ(node_.flushes, 1);
  machine_.memory().fill(kPlace, 0, 512);
  machine_.memory().store<u64>(kPlace, u64{16} << 48 | 100);
  machine_.memory().store<u64>(kPlace + 8, u64{8} << 48 | 200);
  put_table({512});
  issue({.command = kDataSetManagement, .features = 1, .count = 1});
  start_dma(false);
  EXPECT_EQ(wait(), kDone);
  EXPECT_EQ(node_.discarded, 24 * 512u);
}

TEST_F(DiskTest, WritesThroughWithoutItsCache) {
  issue({.command = kSetFeatures, .features = kDisableWriteCache});
  EXPECT_EQ(wait(), kDone);
  const int before = node_.flushes;
  issue({.command = kWriteSectors});
  ASSERT_EQ(wait(), kSilentData);
  write_words(std::string(512, 'x'));
  EXPECT_EQ(wait(), kDone);
  EXPECT_EQ(node_.flushes, before + 1);
}

TEST_F(DiskTest, DoesNotInterruptWhenToldNotTo) {
  out8(kPrimaryControl, control::kNoInterrupt);
  issue({.command = kSeek});
  EXPECT_EQ(wait(), (Outcome{kIdleStatus, 0, false}));
}

TEST_F(DiskTest, AnswersForTheDriveThatIsNotThere) {
  out8(kPrimary + kDevice, device::kSelect);
  EXPECT_EQ(in8(kPrimary + kStatusOrCommand), 0);
  out8(kPrimary + kSectorCount, 0x55);
  EXPECT_EQ(in8(kPrimary + kSectorCount), 0x55);
  issue({.command = kIdentify, .device = device::kSelect});
  EXPECT_EQ(in8(kPrimary + kStatusOrCommand), 0);
  // Of the other channel there is nothing at all.
  EXPECT_EQ(in8(0x177), 0x7f);
}

TEST_F(DiskTest, IsActiveWhateverItIsTold) {
  for (const u8 command : {kStandbyImmediate, kSleep, kCheckPowerMode}) {
    issue({.command = command, .count = 0});
    EXPECT_EQ(wait(), kDone);
  }
  EXPECT_EQ(in8(kPrimary + kSectorCount), 0xff);
}

TEST_F(DiskTest, AResetIsNoInterrupt) {
  const auto before = isa_.irqs().edges(kIrq);
  out8(kPrimaryControl, control::kReset);
  out8(kPrimaryControl, 0);
  EXPECT_EQ(bus_master_status() & kDmaInterrupt, 0);
  machine_.run_control().reset();
  EXPECT_EQ(isa_.irqs().edges(kIrq), before);
}

TEST_F(DiskTest, TheTableIsSetByWordsAsWell) {
  machine_.io().store<u16>(kBusMaster + 4, 0x5678);
  machine_.io().store<u16>(kBusMaster + 6, 0x1234);
  EXPECT_EQ(machine_.io().load<u32>(kBusMaster + 4), 0x1234'5678u);
  EXPECT_EQ(machine_.io().load<u16>(kBusMaster + 6), 0x1234u);
}

TEST_F(DiskTest, IgnoresCommandsWhileItIsBusy) {
  put_table({512});
  issue({.command = kWriteDma});
  EXPECT_NE(status() & status::kBusy, 0);
  out8(kPrimary + kStatusOrCommand, kIdentify);
  EXPECT_NE(status() & status::kBusy, 0);
  start_dma(false);
  EXPECT_EQ(wait(), kDone);
}

TEST_F(IdeTest, PortsAreDecodedWhenFirmwareHasSaidSo) {
  add_drive("ide-hd", 1_MiB);
  machine_.power_on();
  EXPECT_EQ(in8(kPrimary + kStatusOrCommand), 0xff);
  function_.write32(0x40, 0x0000'8000);
  EXPECT_EQ(in8(kPrimary + kStatusOrCommand), 0xff);
  function_.write16(4, 1);
  EXPECT_EQ(in8(kPrimary + kStatusOrCommand), kIdleStatus);
  EXPECT_EQ(in8(0x177), 0xff);
}

TEST_F(IdeTest, TwoDrivesShareAChannel) {
  IdeMemoryNode& first = add_drive("ide-hd", 1_MiB);
  IdeMemoryNode& second = add_drive("ide-hd", 2_MiB, {{"unit", "1"}});
  power_on();
  second.bytes[0] = 'B';
  issue({.command = kReadSectors, .device = device::kLba | device::kSelect});
  ASSERT_EQ(wait(), kData);
  EXPECT_EQ(read_words(512), second.bytes.substr(0, 512));
  issue({.command = kReadSectors});
  ASSERT_EQ(wait(), kData);
  EXPECT_EQ(read_words(512), first.bytes.substr(0, 512));
}

TEST_F(IdeTest, RefusesWhatCannotBe) {
  EXPECT_THROW(machine_.add_device("ide-hd", "", "ide.0", {}), Error);
  add_drive("ide-hd", 1_MiB);
  EXPECT_THROW(add_drive("ide-hd", 1_MiB, {{"unit", "0"}}), Error);
  EXPECT_THROW(add_drive("ide-hd", 1_MiB, {{"unit", "2"}}), Error);
  EXPECT_THROW(add_drive("ide-hd", 1_MiB, {{"serial", std::string(21, 'x')}}), Error);
  backends_.add(kBlockKind, "ide-memory", "ro", {{"read-only", "on"}});
  EXPECT_THROW(machine_.add_device("ide-hd", "", "ide.1", {{"drive", "ro"}}), Error);
}

}  // namespace
}  // namespace backplane::testing
