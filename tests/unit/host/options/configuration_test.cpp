// SPDX-License-Identifier: MIT
// What rows of the option table do that have their action beside them.
#include "options/configuration.h"

#include <gtest/gtest.h>

#include "command_line.h"

namespace backplane::host {
namespace {

TEST(Configuration, IsTheDefaultWhereNothingIsGiven) {
  const Asked asked("");
  const Configuration& c = asked.configuration;
  EXPECT_EQ(c.ram_size, 0U);
  EXPECT_FALSE(c.start_stopped || c.daemonize || c.debugger || c.state() || c.icount);
  EXPECT_TRUE(c.board.empty() && c.devices.empty() && c.accelerators.named.empty());
}

TEST(Configuration, HasWhatTheBoardIsToldByOptionsOfTheirOwn) {
  const Asked asked("-kernel a -kernel b -initrd i -append w -bios f -rtc base=5,clock=host");
  const auto& board = asked.configuration.board;
  ASSERT_EQ(board.size(), 6U);
  EXPECT_EQ(board.at("kernel").value, "b");
  EXPECT_EQ(board.at("kernel").option->text, "-kernel b");
  EXPECT_EQ(board.at("firmware").value, "f");
  EXPECT_EQ(board.at("rtc-base").value, "5");
  EXPECT_EQ(board.at("rtc-clock").value, "host");
}

TEST(Configuration, KeepsTheOrderOfWhatAddsUp) {
  const Asked asked("-device a -serial null -device b -mon chardev=m -serial stdio");
  const Configuration& c = asked.configuration;
  ASSERT_EQ(c.devices.size(), 2U);
  EXPECT_EQ(c.devices[1]->value, "b");
  ASSERT_EQ(c.consoles.serials.size(), 2U);
  EXPECT_EQ(c.consoles.serials[1].text, "stdio");
  EXPECT_EQ(c.consoles.serials[1].given, "-serial stdio");
  EXPECT_EQ(c.monitors.size(), 1U);
}

TEST(Configuration, ASavedMachineIsBeforeOneThatIsToCome) {
  for (const char* words : {"-loadstate f -incoming defer", "-incoming defer -loadstate f"}) {
    const Asked asked(words);
    EXPECT_EQ(asked.configuration.state()->given, "-loadstate f") << words;
    EXPECT_EQ(asked.configuration.state()->place.file, "f") << words;
  }
  EXPECT_TRUE(Asked("-incoming defer").configuration.state()->place.deferred);
  EXPECT_EQ(message_of([] { Asked("-incoming rdma:x"); }),
            "-incoming rdma:x: 'rdma:x': expects file:PATH, unix:PATH, tcp:HOST:PORT or fd:NAME");
}

TEST(Configuration, TheDebuggersUsualPlaceIsForWhoNamesNone) {
  EXPECT_EQ(Asked("-s").configuration.debugger->text, "tcp::1234");
  for (const char* words : {"-s -gdb stdio", "-gdb stdio -s"})
    EXPECT_EQ(Asked(words).configuration.debugger->given, "-gdb stdio") << words;
}

TEST(Configuration, DescriptorsHaveANumberAndASet) {
  const Asked asked("-add-fd fd=7,set=2,opaque=x");
  ASSERT_EQ(asked.configuration.descriptors.size(), 1U);
  EXPECT_EQ(asked.configuration.descriptors[0].fd, 7);
  EXPECT_EQ(asked.configuration.descriptors[0].set, 2U);
  EXPECT_EQ(message_of([] { Asked("-add-fd fd=7"); }),
            "-add-fd fd=7: expects fd=NUMBER and set=NUMBER");
}

TEST(Configuration, WhatSetsThePropertiesOfTheTranslatorNeedsIt) {
  const auto plan = [](const std::string& words) {
    return plan_accelerators(Asked(words).configuration, "backplane",
                             [](const std::string&) { return true; });
  };
  EXPECT_EQ(plan("-accel tcg -perfmap").front().properties.back().first, "perf-map");
  EXPECT_EQ(message_of([&] { plan("-accel kvm -jitdump"); }),
            "-jitdump: only -accel tcg makes code of its own");
}

}  // namespace
}  // namespace backplane::host
