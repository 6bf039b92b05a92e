// SPDX-License-Identifier: MIT
#include "help/wrapping.h"

#include <gtest/gtest.h>

namespace backplane::host {
namespace {

TEST(Wrapping, LeavesWhatFits) {
  EXPECT_EQ(wrapped("  one two\n\nthree\n", 9), "  one two\n\nthree\n");
  EXPECT_EQ(wrapped("", 9), "");
}

TEST(Wrapping, ContinuesLongLinesFurtherIn) {
  EXPECT_EQ(wrapped("  aaa bbb ccc ddd\n", 11), "  aaa bbb\n      ccc\n      ddd\n");
  EXPECT_EQ(wrapped("name   text", 8), "name\n    text");
}

TEST(Wrapping, LeavesLongWordsWhole) {
  EXPECT_EQ(wrapped("  aaaaaaaaaaaa b", 6), "  aaaaaaaaaaaa\n      b");
  EXPECT_EQ(wrapped(std::string(20, 'a'), 6), std::string(20, 'a'));
}

}  // namespace
}  // namespace backplane::host
