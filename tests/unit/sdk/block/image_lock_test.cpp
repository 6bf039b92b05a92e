// SPDX-License-Identifier: MIT
// One writer or many readers, across processes.
#include <sys/wait.h>

#include "block_fixture.h"

namespace backplane {
namespace {

class ImageLockTest : public BlockTest {
 protected:
  // Whether another process can open the image.
  bool other_process_opens(bool read_only, bool locking = true) {
    const pid_t child = fork();
    if (child == 0) {
      options.read_only = read_only;
      options.locking = locking;
      _exit(message_of_open().empty() ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
};

TEST_F(ImageLockTest, AWriterExcludesAllOthers) {
  auto writer = open();
  EXPECT_FALSE(other_process_opens(false));
  EXPECT_FALSE(other_process_opens(true));
  writer.reset();
  EXPECT_TRUE(other_process_opens(false));
}

TEST_F(ImageLockTest, ReadersShare) {
  options.read_only = true;
  auto reader = open();
  EXPECT_TRUE(other_process_opens(true));
  EXPECT_FALSE(other_process_opens(false));
  reader.reset();
  EXPECT_TRUE(other_process_opens(false));
}

TEST_F(ImageLockTest, TheLockEndsWithItsProcess) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto writer = open();
    const bool told = ::write(ends[1], "x", 1) == 1;
    for (;;) pause();
    _exit(told);
  }
  char byte;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  EXPECT_NE(message_of_open(), "");
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_EQ(message_of_open(), "");
  close(ends[0]);
  close(ends[1]);
}

TEST_F(ImageLockTest, TwoDrivesOfOneProgramExcludeEachOther) {
  const auto first = open();
  EXPECT_EQ(message_of_open(),
            options.file + " is locked: another process uses it, or another drive of this one");
}

TEST_F(ImageLockTest, CanBeSwitchedOff) {
  const auto writer = open();
  EXPECT_TRUE(other_process_opens(false, false));
}

// The bytes that QEMU's file driver locks: it holds read locks on 100 + P for each permission P it
// uses, on 200 + P for each it does not share; P is 1 for writing.
class ForeignLock {
 public:
  ForeignLock(const std::string& path, std::initializer_list<off_t> bytes)
      : fd_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {
    for (const off_t byte : bytes) {
      struct flock lock {};
      lock.l_type = F_RDLCK;
      lock.l_whence = SEEK_SET;
      lock.l_start = byte;
      lock.l_len = 1;
      EXPECT_EQ(fcntl(fd_, F_OFD_SETLK, &lock), 0);
    }
  }
  ~ForeignLock() { close(fd_); }

 private:
  int fd_;
};

TEST_F(ImageLockTest, SeesAWriterThatIsQemu) {
  const ForeignLock writer(options.file, {100, 101, 201, 203});
  EXPECT_NE(message_of_open(), "");
  options.read_only = true;
  EXPECT_NE(message_of_open(), "");
}

TEST_F(ImageLockTest, SharesWithAReaderThatIsQemu) {
  const ForeignLock reader(options.file, {100, 201});
  EXPECT_NE(message_of_open(), "");
  options.read_only = true;
  EXPECT_EQ(message_of_open(), "");
}

}  // namespace
}  // namespace backplane
