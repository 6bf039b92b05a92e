// SPDX-License-Identifier: MIT
#include "options/machine_options.h"

#include <gtest/gtest.h>

#include "command_line.h"

namespace backplane::host {
namespace {

MachineOptions machine_options(const std::string& words) {
  return Asked(words).configuration.machine;
}

TEST(MachineOptions, TheDefaultMachineIsPc) {
  const MachineOptions options = machine_options("-S");
  EXPECT_EQ(options.type, "pc");
  EXPECT_EQ(options.given, "");
  EXPECT_FALSE(options.accelerators);
}

TEST(MachineOptions, LaterOptionsAddToEarlierOnes) {
  const MachineOptions options =
      machine_options("-M none,accel=tcg,a=1 -machine type=pc,b=2 -machine a=3");
  EXPECT_EQ(options.type, "pc");
  EXPECT_EQ(options.given, "-machine type=pc,b=2");
  EXPECT_EQ(options.accelerators->names, "tcg");
  EXPECT_EQ(options.accelerators->given, "-M none,accel=tcg,a=1");
  ASSERT_EQ(options.properties.size(), 3U);
  EXPECT_EQ(options.properties[2].name, "a");
  EXPECT_EQ(options.properties[2].value, "3");
  EXPECT_EQ(options.properties[2].given, "-machine a=3");
}

TEST(MachineOptions, EnableKvmStandsForItsAccelProperty) {
  EXPECT_EQ(machine_options("-M pc,accel=tcg -enable-kvm").accelerators->names, "kvm");
  EXPECT_EQ(machine_options("-enable-kvm -M pc,accel=tcg").accelerators->names, "tcg");
}

}  // namespace
}  // namespace backplane::host
