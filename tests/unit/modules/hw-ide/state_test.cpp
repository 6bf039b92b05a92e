// SPDX-License-Identifier: MIT
#include "backplane/machine_state.h"
#include "backplane/testing/scratch_directory.h"
#include "backplane/testing/state_check.h"
#include "ide_machine.h"

namespace backplane::testing {
namespace {

using namespace ide;

TEST(IdeState, EveryTypeSaysWhatItsStateIs) {
  EXPECT_EQ(types_without_state(), std::vector<std::string>{});
}

TEST_F(IdeTest, ATransferGoesOnWhereItWasSaved) {
  IdeMemoryNode& node = add_drive("ide-hd", 1_MiB);
  power_on();
  issue({.command = kReadSectors, .count = 2, .lba = 3});
  wait();
  const std::string first = read_words(100);
  const ScratchDirectory directory;
  save_machine(machine_, directory / "state");
  const std::string rest = read_words(412);
  out8(kPrimaryControl, control::kReset);
  out8(kPrimaryControl, 0);
  load_machine(machine_, directory / "state");
  EXPECT_EQ(read_words(412), rest);
  EXPECT_EQ(first + rest, node.bytes.substr(3 * 512, 512));
  wait();
  EXPECT_EQ(read_words(512), node.bytes.substr(4 * 512, 512));
}

TEST_F(IdeTest, ABusMasterGoesOnWhereItWasSaved) {
  IdeMemoryNode& node = add_drive("ide-hd", 1_MiB);
  power_on();
  put_table({512, 512});
  issue({.command = kReadDma, .count = 2, .lba = 3});
  const ScratchDirectory directory;
  save_machine(machine_, directory / "state");
  start_dma(true);
  wait();
  load_machine(machine_, directory / "state");
  machine_.memory().fill(kPlace, 0, 1024);
  start_dma(true);
  EXPECT_EQ(wait(), kDone);
  EXPECT_EQ(memory(kPlace, 1024), node.bytes.substr(3 * 512, 1024));
}

}  // namespace
}  // namespace backplane::testing
