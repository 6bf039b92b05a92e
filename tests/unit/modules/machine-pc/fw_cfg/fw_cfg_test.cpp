// SPDX-License-Identifier: MIT
#include "fw_cfg/fw_cfg.h"

#include <gtest/gtest.h>

#include "backplane/error.h"
#include "backplane/testing/test_machine.h"

namespace backplane::pc {
namespace {

constexpr u64 kDescriptor = 0x1000, kBuffer = 0x2000;
constexpr u32 kError = 1, kRead = 2, kSkip = 4, kSelect = 8, kWrite = 16;

class FwCfgTest : public ::testing::Test {
 protected:
  // Runs a transfer; returns the control word that the device left.
  u32 dma(u32 control, u32 length, u64 address) {
    AddressSpace& memory = machine_.memory();
    memory.store<u32>(kDescriptor, __builtin_bswap32(control));
    memory.store<u32>(kDescriptor + 4, __builtin_bswap32(length));
    memory.store<u64>(kDescriptor + 8, __builtin_bswap64(address));
    fw_.write_dma(0, 0);
    fw_.write_dma(4, __builtin_bswap32(kDescriptor));
    return __builtin_bswap32(memory.load<u32>(kDescriptor));
  }
  std::string read_text(u64 address, std::size_t size) {
    std::string text(size, 0);
    machine_.memory().read(address, text.data(), size);
    return text;
  }

  testing::TestMachine machine_{1_MiB};
  FwCfg fw_{machine_.memory()};
};

TEST_F(FwCfgTest, GivesItsSignatureByteByByteAndThenZeros) {
  fw_.select(FwCfg::kSignature);
  std::string text;
  for (unsigned n = 0; n < 6; ++n) text += static_cast<char>(fw_.read_byte());
  EXPECT_EQ(text, std::string("QEMU\0\0", 6));
}

TEST_F(FwCfgTest, OffersTheDmaInterface) {
  fw_.select(FwCfg::kId);
  EXPECT_EQ(fw_.read_byte(), 3);
  EXPECT_EQ(fw_.read_dma(0), __builtin_bswap32(0x51454d55));
  EXPECT_EQ(fw_.read_dma(4), __builtin_bswap32(0x20434647));
}

TEST_F(FwCfgTest, AnItemThatDoesNotExistReadsAsZero) {
  fw_.select(0x1234);
  EXPECT_EQ(fw_.read_byte(), 0);
}

TEST_F(FwCfgTest, ListsItsFilesInBigEndianOrder) {
  fw_.set_file("etc/a", {1, 2, 3});
  const std::vector<u8>& directory = *fw_.item(FwCfg::kFileDirectory);
  ASSERT_EQ(directory.size(), 4u + 64u);
  EXPECT_EQ(directory[3], 1);
  EXPECT_EQ(directory[7], 3);
  EXPECT_EQ(directory[9], FwCfg::kFirstFile);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(&directory[12])), "etc/a");
}

TEST_F(FwCfgTest, AFileSetAgainKeepsItsSelector) {
  fw_.set_file("etc/a", {1});
  fw_.set_file("etc/b", {2});
  fw_.set_file("etc/a", {3, 4});
  EXPECT_EQ(fw_.item(FwCfg::kFirstFile)->size(), 2u);
  EXPECT_EQ(fw_.item(FwCfg::kFirstFile + 1)->size(), 1u);
}

TEST_F(FwCfgTest, AFileMayBeMadeWhenItIsSelected) {
  u8 now = 1;
  fw_.set_file("etc/a", [&now] { return std::vector<u8>{now, 9}; });
  EXPECT_EQ((*fw_.item(FwCfg::kFileDirectory))[7], 2) << "its size is known before";
  now = 2;
  fw_.select(FwCfg::kFirstFile);
  now = 3;
  EXPECT_EQ(fw_.read_byte(), 2);
  EXPECT_EQ(fw_.read_byte(), 9);
  EXPECT_EQ(dma(kSelect | kRead | FwCfg::kFirstFile << 16, 2, kBuffer), 0u);
  EXPECT_EQ(read_text(kBuffer, 1), "\3");
  fw_.set_file("etc/a", {7});
  fw_.select(FwCfg::kFirstFile);
  EXPECT_EQ(fw_.read_byte(), 7) << "and again not";
}

TEST_F(FwCfgTest, AnOverlongFileNameIsAnError) {
  EXPECT_THROW(fw_.set_file(std::string(56, 'x'), std::vector<u8>{}), Error);
}

TEST_F(FwCfgTest, TransfersAnItemIntoMemory) {
  EXPECT_EQ(dma(kSelect | kRead | FwCfg::kSignature << 16, 4, kBuffer), 0u);
  EXPECT_EQ(read_text(kBuffer, 4), "QEMU");
}

TEST_F(FwCfgTest, TransfersContinueAndSkip) {
  dma(kSelect | kSkip | FwCfg::kSignature << 16, 1, 0);
  dma(kRead, 2, kBuffer);
  EXPECT_EQ(read_text(kBuffer, 2), "EM");
  dma(kRead, 1, kBuffer);
  EXPECT_EQ(read_text(kBuffer, 1), "U");
}

TEST_F(FwCfgTest, AfterTheItemComeZeros) {
  machine_.memory().fill(kBuffer, 0xff, 16);
  EXPECT_EQ(dma(kSelect | kRead | FwCfg::kSignature << 16, 8, kBuffer), 0u);
  EXPECT_EQ(read_text(kBuffer, 8), std::string("QEMU\0\0\0\0", 8));
  EXPECT_EQ(machine_.memory().load<u8>(kBuffer + 8), 0xff);
}

TEST_F(FwCfgTest, MemoryThatDoesNotExistIsAnError) {
  EXPECT_EQ(dma(kSelect | kRead, 4, 0x7fff'ffff'ffffull), kError);
  EXPECT_EQ(dma(kSelect | kRead, ~u32{0}, kBuffer + 0x1000), kError);
  EXPECT_EQ(dma(kSelect | kRead, 4, ~u64{0} - 1), kError);
}

TEST_F(FwCfgTest, WritingAnItemIsAnError) { EXPECT_EQ(dma(kSelect | kWrite, 4, kBuffer), kError); }

TEST_F(FwCfgTest, ADescriptorOutsideMemoryIsIgnored) {
  fw_.start_dma(0xffff'ffff'ffff'fff8);
  fw_.start_dma(1_MiB - 8);
}

TEST_F(FwCfgTest, ATransferOverItsOwnDescriptorEnds) {
  EXPECT_EQ(dma(kSelect | kRead | FwCfg::kSignature << 16, 64, kDescriptor), 0u);
}

TEST_F(FwCfgTest, TheDirectoryHasTheSizesOfNow) {
  std::size_t size = 3;
  fw_.set_file("grows", [&] { return std::vector<u8>(size, 1); });
  size = 0x102;
  EXPECT_EQ(dma(kSelect | kRead | FwCfg::kFileDirectory << 16, 8, kBuffer), 0u);
  EXPECT_EQ(__builtin_bswap32(machine_.memory().load<u32>(kBuffer + 4)), 0x102u);
}

TEST_F(FwCfgTest, AHugeSkipStaysAtTheEnd) {
  dma(kSelect | kSkip, ~u32{0}, 0);
  dma(kSkip, ~u32{0}, 0);
  EXPECT_EQ(fw_.read_byte(), 0);
}

}  // namespace
}  // namespace backplane::pc
