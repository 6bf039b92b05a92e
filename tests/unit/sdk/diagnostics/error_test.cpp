// SPDX-License-Identifier: MIT
#include "backplane/error.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace backplane {
namespace {

TEST(Error, FormatsItsMessage) {
  EXPECT_STREQ(Error::of("{} is not {}", "abc", 7).what(), "abc is not 7");
}

TEST(Error, OfTheSystemKeepsTheSystemsWords) {
  const Error error = Error::system("cannot open '/x'", ENOENT);
  EXPECT_STREQ(error.what(), "cannot open '/x': No such file or directory");
  EXPECT_EQ(error.system_text(), "No such file or directory");
}

TEST(Error, InContextKeepsHintAndSystemText) {
  const Error error = Error::system("cannot open", EACCES).with_hint("chmod a+r").in("-drive x");
  EXPECT_STREQ(error.what(), "-drive x: cannot open: Permission denied");
  EXPECT_EQ(error.hint(), "chmod a+r");
  EXPECT_EQ(error.system_text(), "Permission denied");
}

}  // namespace
}  // namespace backplane
