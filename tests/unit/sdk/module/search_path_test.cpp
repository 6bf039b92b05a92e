// SPDX-License-Identifier: MIT
#include "module/search_path.h"

#include <gtest/gtest.h>

namespace backplane {
namespace {

using Paths = std::vector<std::filesystem::path>;

TEST(LocalModuleDirectories, AreBelowUsrLocalForAProgramBelowUsr) {
  EXPECT_EQ(local_module_directories("/usr/lib/x86_64-linux-gnu/backplane"),
            (Paths{"/usr/local/lib/x86_64-linux-gnu/backplane", "/usr/local/lib/backplane"}));
  EXPECT_EQ(local_module_directories("/usr/lib/backplane"), (Paths{"/usr/local/lib/backplane"}));
}

TEST(LocalModuleDirectories, AreNoneForOthers) {
  EXPECT_EQ(local_module_directories("/usr/local/lib/backplane"), Paths());
  EXPECT_EQ(local_module_directories("/opt/usr/lib/backplane"), Paths());
  EXPECT_EQ(local_module_directories("/usrlib/backplane"), Paths());
}

}  // namespace
}  // namespace backplane
