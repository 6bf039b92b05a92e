// SPDX-License-Identifier: MIT
// One writer or many readers, across processes.
#include "block/linux/image_lock.h"

#include <sys/wait.h>

#include "block/image_in_use.h"
#include "block_fixture.h"

namespace backplane {
namespace {

class ImageLockTest : public ImageTest {
 protected:
  // Whether another process can open the image.
  bool other_process_opens(bool read_only, bool locking = true) {
    const pid_t child = fork();
    if (child == 0) {
      options.read_only = read_only;
      options.locking = locking ? ImageLocking::Auto : ImageLocking::Off;
      _exit(message_of_open_file().empty() ? 0 : 1);
    }
    int status = 0;
    EXPECT_EQ(waitpid(child, &status, 0), child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  // What is said of the image, without its name, and what helps.
  std::string refusal(bool read_only) {
    options.read_only = read_only;
    try {
      open_file();
    } catch (const Error& error) {
      return std::string(error.what()).substr(options.file.size() + 1) + "; " + error.hint();
    }
    return "";
  }
};

TEST_F(ImageLockTest, AWriterExcludesAllOthers) {
  auto writer = open_file();
  EXPECT_FALSE(other_process_opens(false));
  EXPECT_FALSE(other_process_opens(true));
  writer.reset();
  EXPECT_TRUE(other_process_opens(false));
}

TEST_F(ImageLockTest, ReadersShare) {
  options.read_only = true;
  auto reader = open_file();
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
    const auto writer = open_file();
    const bool told = ::write(ends[1], "x", 1) == 1;
    for (;;) pause();
    _exit(told);
  }
  char byte;
  ASSERT_EQ(::read(ends[0], &byte, 1), 1);
  EXPECT_NE(message_of_open_file(), "");
  kill(child, SIGKILL);
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_EQ(message_of_open_file(), "");
  close(ends[0]);
  close(ends[1]);
}

TEST_F(ImageLockTest, TwoDrivesOfOneProgramExcludeEachOther) {
  const auto first = open_file();
  EXPECT_NE(message_of_open_file(), "");
}

TEST_F(ImageLockTest, CanBeSwitchedOff) {
  const auto writer = open_file();
  EXPECT_TRUE(other_process_opens(false, false));
}

class ForeignLock {
 public:
  // The bytes that QEMU's file driver locks: it holds read locks on 100 + P for each permission P
  // it uses, on 200 + P for each it does not share; P is 1 for writing.
  ForeignLock(const std::string& path, std::initializer_list<off_t> bytes) : ForeignLock(path) {
    for (const off_t byte : bytes) lock(F_RDLCK, byte, 1);
  }
  // All bytes, as programs do that know no other way.
  ForeignLock(const std::string& path, short type) : ForeignLock(path) { lock(type, 0, 0); }
  ~ForeignLock() { close(fd_); }

 private:
  explicit ForeignLock(const std::string& path) : fd_(::open(path.c_str(), O_RDWR | O_CLOEXEC)) {}
  void lock(short type, off_t first, off_t length) const {
    struct flock lock {};
    lock.l_type = type;
    lock.l_whence = SEEK_SET;
    lock.l_start = first;
    lock.l_len = length;
    EXPECT_EQ(fcntl(fd_, F_OFD_SETLK, &lock), 0);
  }

  int fd_;
};

TEST_F(ImageLockTest, SeesAWriterThatIsQemu) {
  const ForeignLock writer(options.file, {100, 101, 201, 203});
  EXPECT_NE(message_of_open_file(), "");
  options.read_only = true;
  EXPECT_NE(message_of_open_file(), "");
}

// What is said when the image is wanted to write, and when it is wanted to read.
constexpr const char* kWriteWhileRead =
    "is open for reading in another process, or by another drive of this one; readonly=on opens it "
    "beside those that only read";
constexpr const char* kWriteWhileWritten =
    "is open for writing in another process, or by another drive of this one; file.locking=off "
    "opens it all the same, and what the other one reads or writes may be damaged";
constexpr const char* kReadWhileWritten =
    "is open for writing in another process, or by another drive of this one; file.locking=off "
    "opens it all the same, but what is read while it is written may be wrong";
constexpr const char* kWriteWhileReadLocked =
    "is locked against writers by another program, which may be one that reads it; "
    "file.locking=off opens it all the same, and what the other one reads or writes may be damaged";
constexpr const char* kReadWhileReadLocked =
    "is locked against writers by another program, which may be one that reads it; "
    "file.locking=off opens it all the same, which is safe while nobody writes it";
constexpr const char* kWriteWhileLocked =
    "is locked by another process, or by another drive of this one, for itself alone; "
    "file.locking=off opens it all the same, and what the other one reads or writes may be damaged";
constexpr const char* kReadWhileLocked =
    "is locked by another process, or by another drive of this one, for itself alone; "
    "file.locking=off opens it all the same, but what is read while it is written may be wrong";

TEST_F(ImageLockTest, SaysWhoHasTheImageAndWhatHelps) {
  options.cures.read_only = "readonly=on";
  options.cures.unlocked = "file.locking=off";
  {
    const auto writer = open_file();
    EXPECT_EQ(refusal(false), kWriteWhileWritten);
    EXPECT_EQ(refusal(true), kReadWhileWritten);
  }
  {
    options.read_only = true;
    const auto reader = open_file();
    EXPECT_EQ(refusal(false), kWriteWhileRead);
    EXPECT_EQ(refusal(true), "");
  }
  {
    const ForeignLock writer(options.file, {100, 101, 201, 203});
    EXPECT_EQ(refusal(false), kWriteWhileWritten);
    EXPECT_EQ(refusal(true), kReadWhileWritten);
  }
  {
    const ForeignLock reader(options.file, {100, 201});
    EXPECT_EQ(refusal(false), kWriteWhileRead);
    EXPECT_EQ(refusal(true), "");
  }
  {
    const ForeignLock reader(options.file, F_RDLCK);
    EXPECT_EQ(refusal(false), kWriteWhileReadLocked);
    EXPECT_EQ(refusal(true), kReadWhileReadLocked);
  }
  {
    const ForeignLock owner(options.file, F_WRLCK);
    EXPECT_EQ(refusal(false), kWriteWhileLocked);
    EXPECT_EQ(refusal(true), kReadWhileLocked);
    options.locking = ImageLocking::Off;
    EXPECT_EQ(refusal(false), "");
  }
}

TEST_F(ImageLockTest, OffersNoWayAroundALockThatHasNone) {
  options.cures.unlocked.clear();
  EXPECT_EQ(image_in_use(options, false, ImageUser::Exclusive).hint(),
            "it can be opened once the other one has closed it");
  EXPECT_EQ(image_in_use(options, true, ImageUser::Reader).hint(),
            "read-only=on opens it beside those that only read");
}

TEST_F(ImageLockTest, WithoutLocksItWarnsUnlessTheyAreAskedFor) {
  const int fd = ::open(options.file.c_str(), O_PATH | O_CLOEXEC);  // has none
  ::testing::internal::CaptureStderr();
  lock_image(fd, options, true);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("cannot lock " + options.file),
            std::string::npos);
  options.locking = ImageLocking::On;
  EXPECT_THROW(lock_image(fd, options, true), Error);
  close(fd);
}

TEST_F(ImageLockTest, SharesWithAReaderThatIsQemu) {
  const ForeignLock reader(options.file, {100, 201});
  EXPECT_NE(message_of_open_file(), "");
  options.read_only = true;
  EXPECT_EQ(message_of_open_file(), "");
}

}  // namespace
}  // namespace backplane
