// SPDX-License-Identifier: MIT
#include "module/trust.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "backplane/module.h"
#include "backplane/testing/scratch_directory.h"
#include "module/acceptance.h"
#include "module/search_path.h"

namespace backplane {
namespace {

namespace fs = std::filesystem;

class Trust : public ::testing::Test {
 protected:
  fs::path file(const fs::path& path) {
    fs::create_directories(path.parent_path());
    std::ofstream(path) << "x";
    return path;
  }
  fs::path scratch(const char* name) const { return directory_ / name; }

 private:
  testing::ScratchDirectory directory_;
};

TEST_F(Trust, IsInRootAndInTheUserOfTheProgram) {
  EXPECT_EQ(refusal_of_owner(file(scratch("own"))), "");
  EXPECT_EQ(refusal_of_owner("/"), "");
  EXPECT_EQ(refusal_of_owner(scratch("absent")), "");
}

TEST_F(Trust, IsNotInOtherUsers) {
  constexpr uid_t kSomebody = 12345;
  const fs::path path = file(scratch("theirs"));
  if (chown(path.c_str(), kSomebody, kSomebody) != 0) GTEST_SKIP() << "only root gives files away";
  EXPECT_EQ(refusal_of_owner(path).find("it belongs to user 12345, neither root nor"), 0U);
  const fs::path directory = scratch("directory");
  fs::create_directory(directory);
  ASSERT_EQ(chown(directory.c_str(), kSomebody, kSomebody), 0);
  EXPECT_EQ(refusal_of_directory(directory).find("it belongs to user 12345"), 0U);
}

TEST_F(Trust, IsNotBelowADirectoryThatAnyoneMayWriteTo) {
  const fs::path below = scratch("open/modules");
  fs::create_directories(below);
  EXPECT_EQ(refusal_of_directory(below), "");
  chmod(scratch("open").c_str(), 0777);
  EXPECT_EQ(refusal_of_directory(below).find("anyone may write to " + scratch("open").string()),
            0U);
  chmod(scratch("open").c_str(), 01777);  // where nobody renames what is another's
  EXPECT_EQ(refusal_of_directory(below), "");
}

TEST_F(Trust, IsInLinksThatStayInTheirDirectory) {
  file(scratch("modules/a.so"));
  fs::create_symlink("a.so", scratch("modules/b.so"));
  fs::create_symlink(file(scratch("elsewhere/c.so")), scratch("modules/c.so"));
  fs::create_symlink(scratch("modules"), scratch("link"));
  EXPECT_EQ(refusal_of_link(fs::directory_entry(scratch("modules/a.so"))), "");
  EXPECT_EQ(refusal_of_link(fs::directory_entry(scratch("modules/b.so"))), "");
  EXPECT_EQ(refusal_of_link(fs::directory_entry(scratch("link/b.so"))), "");
  EXPECT_EQ(refusal_of_link(fs::directory_entry(scratch("modules/c.so")))
                .find("a symbolic link out of its directory"),
            0U);
}

TEST_F(Trust, IsNotInTheEnvironmentOfWhoeverHasFewerRights) {
  file(scratch("modules/a.so"));
  setenv("BACKPLANE_MODULE_PATH", scratch("modules").c_str(), 1);
  SearchPath ordinary, privileged;
  ordinary.add_environment(false);
  ::testing::internal::CaptureStderr();
  privileged.add_environment(true);
  const std::string said = ::testing::internal::GetCapturedStderr();
  unsetenv("BACKPLANE_MODULE_PATH");
  EXPECT_EQ(ordinary.directories().size(), 1U);
  EXPECT_TRUE(privileged.directories().empty());
  EXPECT_NE(said.find("warning: BACKPLANE_MODULE_PATH: ignored"), std::string::npos);
}

}  // namespace
}  // namespace backplane
