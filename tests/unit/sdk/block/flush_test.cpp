// SPDX-License-Identifier: MIT
// A write that completed before a flush is on the disk when the flush completes, whatever happens
// to the program then.
#include <sys/syscall.h>
#include <sys/wait.h>

#include <atomic>
#include <cerrno>

#include "block_fixture.h"

namespace {

std::atomic<int> syncs{0};
std::atomic<int> sync_error{0};

}  // namespace

// Takes the place of the C library's: counts, and fails on request.
extern "C" int fdatasync(int fd) {
  ++syncs;
  if (sync_error != 0) {
    errno = sync_error;
    return -1;
  }
  return static_cast<int>(syscall(SYS_fdatasync, fd));
}

namespace backplane {
namespace {

class FlushTest : public BlockTest {
 protected:
  FlushTest() {
    syncs = 0;
    sync_error = 0;
  }
  ~FlushTest() override { sync_error = 0; }

  std::vector<u8> sector = pattern(512, 5);
};

TEST_F(FlushTest, SyncsTheFile) {
  const auto disk = open();
  EXPECT_EQ(write(*disk, 0, sector), 0);
  EXPECT_EQ(syncs, 0);
  EXPECT_EQ(flush(*disk), 0);
  EXPECT_EQ(syncs, 1);
}

TEST_F(FlushTest, WithoutAWriteCacheEveryWriteSyncs) {
  settings.write_through = true;
  const auto disk = open();
  EXPECT_EQ(write(*disk, 0, sector), 0);
  EXPECT_EQ(syncs, 1);
  EXPECT_EQ(run(*disk, {.op = BlockOp::WriteZeroes, .offset = 0, .size = 512}), 0);
  EXPECT_EQ(syncs, 2);
}

TEST_F(FlushTest, UnsafeNeverSyncs) {
  properties = {{"cache.no-flush", "on"}};
  const auto disk = open();
  EXPECT_EQ(write(*disk, 0, sector), 0);
  EXPECT_EQ(flush(*disk), 0);
  EXPECT_EQ(syncs, 0);
}

// The kernel reports lost data once; the guest must not believe the next flush.
TEST_F(FlushTest, FailsForGoodOnceTheHostLostData) {
  const auto disk = open();
  sync_error = EIO;
  EXPECT_EQ(flush(*disk), -EIO);
  sync_error = 0;
  EXPECT_EQ(flush(*disk), -EIO);
}

TEST_F(FlushTest, WhatWasFlushedSurvivesSigkill) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto disk = open();
    const bool done = write(*disk, 1024, sector) == 0 && flush(*disk) == 0 && syncs == 1 &&
                      ::write(ends[1], "x", 1) == 1;
    if (done) kill(getpid(), SIGKILL);
    _exit(1);
  }
  char byte;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFSIGNALED(status));
  const auto file = content();
  EXPECT_TRUE(std::equal(sector.begin(), sector.end(), file.begin() + 1024));
  close(ends[0]);
  close(ends[1]);
}

}  // namespace
}  // namespace backplane
