// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "backplane/options.h"

namespace backplane {
namespace {

using Names = std::vector<std::string>;
const Names kDevices{"virtio-balloon-pci", "virtio-blk-pci", "virtio-rng-pci", "isa-debug-exit"};

TEST(NearestNames, FindsAMistypedName) {
  EXPECT_EQ(nearest_names("virtio-balon-pci", kDevices).front(), "virtio-balloon-pci");
}

TEST(NearestNames, FindsAPartOfAName) {
  EXPECT_EQ(nearest_names("balloon", kDevices), Names{"virtio-balloon-pci"});
}

TEST(NearestNames, FindsTheSameBeginning) {
  EXPECT_EQ(nearest_names("isa-debug", kDevices), Names{"isa-debug-exit"});
}

TEST(NearestNames, TakesUpperCaseForLower) {
  EXPECT_EQ(nearest_names("TCG", {"kvm", "tcg"}), Names{"tcg"});
  EXPECT_EQ(nearest_names("piix3", {"PIIX3", "PIIX4_PM"}).front(), "PIIX3");
}

TEST(NearestNames, GivesAtMostThree) {
  EXPECT_EQ(nearest_names("virtio", {"virtio-a", "virtio-b", "virtio-c", "virtio-d"}).size(), 3U);
}

TEST(NearestNames, GivesNothingFarAway) {
  EXPECT_TRUE(nearest_names("floppy", kDevices).empty());
  EXPECT_TRUE(nearest_names("", kDevices).empty());
  EXPECT_TRUE(nearest_names(std::string(100000, 'v'), kDevices).empty());
}

}  // namespace
}  // namespace backplane
