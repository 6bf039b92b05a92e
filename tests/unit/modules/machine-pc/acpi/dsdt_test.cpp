// SPDX-License-Identifier: MIT
// What the devices of a machine say of themselves.
#include "acpi/dsdt.h"

#include <gtest/gtest.h>

#include <string>

#include "acpi/tables.h"
#include "board/memory_map.h"
#include "board/pc_board.h"

namespace backplane::pc {
namespace {

class DsdtTest : public ::testing::Test {
 protected:
  std::string definitions(testing::PcBoard& board) {
    const aml::Bytes bytes = build_dsdt(board.machine());
    return {bytes.begin(), bytes.end()};
  }
  static bool has(const std::string& text, std::string_view name) {
    return text.find(name) != std::string::npos;
  }
};

TEST_F(DsdtTest, DescribesWhatTheBoardAlwaysHas) {
  testing::PcBoard board;
  board.init();
  const std::string text = definitions(board);
  for (const char* name : {"PCI0", "ISA_", "LNKA", "LNKD", "_PRT", "HPET", "FWCF", "RTC_"})
    EXPECT_TRUE(has(text, name)) << name;
}

TEST_F(DsdtTest, DescribesOnlyTheDevicesThereAre) {
  testing::PcBoard board;
  board.init();
  EXPECT_FALSE(has(definitions(board), "COM2"));
  EXPECT_FALSE(has(definitions(board), "PEVT"));
  board.machine().add_device("isa-serial", "", "", {{"index", "1"}});
  board.machine().add_device("pvpanic", "", "", {});
  const std::string text = definitions(board);
  EXPECT_TRUE(has(text, "COM2"));
  EXPECT_FALSE(has(text, "COM3"));
  EXPECT_TRUE(has(text, "PEVT"));
  EXPECT_TRUE(has(text, "QEMU0001"));
}

TEST_F(DsdtTest, OfTheLargestBoardFitsIntoTheFirmwareArea) {
  testing::PcBoard board(64_MiB, 8);
  board.init();
  for (unsigned n = 0; n < 4; ++n) board.machine().add_device("isa-serial", "", "", {});
  board.machine().add_device("pvpanic", "", "", {});
  const PlacedAcpiTables largest = place_acpi_tables(
      build_acpi_tables({0x600, {0, 1, 2, 3, 4, 5, 6, 7}, build_dsdt(board.machine())}),
      kFirmwareStart);
  EXPECT_LE(largest.base + largest.image.size(), kTablesEnd);
}

}  // namespace
}  // namespace backplane::pc
