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

TEST(Descriptors, ASetGivesOneThatCanBeUsedAsWanted) {
  add_to_set(7, open_null(O_RDONLY));
  EXPECT_THROW(open_of_set("/dev/fdset/7", true), Error);
  const int writable = open_null(O_WRONLY);
  add_to_set(7, writable);
  const UniqueFd to_write(open_of_set("/dev/fdset/7", true));
  const UniqueFd to_read(open_of_set("/dev/fdset/7", false));
  EXPECT_EQ(fcntl(to_write.get(), F_GETFL) & O_ACCMODE, O_WRONLY);
  EXPECT_EQ(fcntl(to_read.get(), F_GETFL) & O_ACCMODE, O_RDONLY);
  EXPECT_NE(to_write.get(), writable) << "its user's own";
}

TEST(Descriptors, OtherPathsAreNoSets) {
  EXPECT_EQ(open_of_set("/dev/null", true), -1);
  EXPECT_THROW(open_of_set("/dev/fdset/8", true), Error);
  EXPECT_THROW(open_of_set("/dev/fdset/x", true), Error);
}

TEST(Descriptors, WhatIsNotOpenIsNotTaken) {
  EXPECT_THROW(add_to_set(1, 1), Error);
  EXPECT_THROW(add_to_set(1, 900), Error);
  EXPECT_THROW(take("900"), Error);
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

TEST(Descriptors, ANumberIsTheDescriptorItself) {
  const UniqueFd fd(open_null(O_RDONLY));
  EXPECT_EQ(take(std::to_string(fd.get())), fd.get());
}

}  // namespace
}  // namespace backplane::descriptors
