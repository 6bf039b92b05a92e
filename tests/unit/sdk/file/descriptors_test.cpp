// SPDX-License-Identifier: MIT
#include "backplane/descriptors.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "backplane/error.h"
#include "file/linux/unique_fd.h"

namespace backplane::descriptors {
namespace {

int open_null(int access) { return open("/dev/null", access | O_CLOEXEC); }

// A program that has inherited others is what tests/guests/migration_test.py and tests/qmp start.

TEST(Descriptors, OtherPathsAreNoSets) {
  EXPECT_EQ(open_of_set("/dev/null", true), -1);
  EXPECT_THROW(open_of_set("/dev/fdset/8", true), Error);
  EXPECT_THROW(open_of_set("/dev/fdset/x", true), Error);
}

TEST(Descriptors, WhatWasNotInheritedIsNotTaken) {
  const UniqueFd own(open_null(O_RDONLY));
  EXPECT_THROW(add_to_set(1, 1), Error);
  EXPECT_THROW(add_to_set(1, 900), Error);
  EXPECT_THROW(add_to_set(1, own.get()), Error);
  EXPECT_THROW(take("900"), Error);
  EXPECT_THROW(take(std::to_string(own.get())), Error);
  EXPECT_THROW(take("name"), Error);
}

TEST(Descriptors, OneIsKeptUnderANameUntilItIsTaken) {
  const int first = open_null(O_RDONLY), second = open_null(O_RDONLY);
  keep("name", first);
  keep("name", second);
  EXPECT_LT(fcntl(first, F_GETFD), 0) << "closed";
  const UniqueFd taken(take("name"));
  EXPECT_EQ(taken.get(), second);
  EXPECT_THROW(close_kept("name"), Error);
}

}  // namespace
}  // namespace backplane::descriptors
