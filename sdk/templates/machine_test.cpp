// SPDX-License-Identifier: MIT
#include <backplane/testing/scratch_directory.h>
#include <backplane/testing/test_board.h>
#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

TEST(@CLASS@, HasMemoryARomAndItsProcessors) {
  const ScratchDirectory directory;
  TestBoard board("@TYPE@", 1_MiB, 2);
  board.machine().set_property("bios", directory.write("rom", "0123456789abcdef").string());
  board.power_on();
  AddressSpace& memory = board.machine().memory();
  memory.store<u32>(0, 7);
  EXPECT_EQ(memory.load<u32>(0), 7U);
  EXPECT_EQ(memory.load<u8>(0xfffffff0), '0');
  memory.store<u8>(0xfffffff0, 1);
  EXPECT_EQ(memory.load<u8>(0xfffffff0), '0');
  EXPECT_EQ(board.machine().cpus().size(), 2U);
}

TEST(@CLASS@, EndsWithTheStatusThatTheGuestGives) {
  const ScratchDirectory directory;
  TestBoard board("@TYPE@", 1_MiB);
  board.machine().set_property("bios", directory.write("rom", "x").string());
  board.power_on();
  board.machine().io().store<u8>(0xf4, 3);
  EXPECT_EQ(board.machine().main_loop().run(), 3);
}

TEST(@CLASS@, SaysThatItsRomIsMissing) {
  TestBoard board("@TYPE@", 1_MiB);
  EXPECT_THROW(board.power_on(), Error);
}

}  // namespace
}  // namespace backplane::testing
