// SPDX-License-Identifier: MIT
// Disks whose transfers io_uring carries out.
#include <fcntl.h>
#include <liburing.h>
#include <sys/resource.h>

#include <cerrno>

#include "block_fixture.h"

namespace backplane {
namespace {

bool host_has_it() {
  io_uring ring;
  if (io_uring_queue_init(1, &ring, 0) != 0) return false;
  io_uring_queue_exit(&ring);
  return true;
}

class UringTest : public BlockTest {
 protected:
  UringTest() { properties = {{"file.aio", "io_uring"}}; }
  void SetUp() override {
    if (!host_has_it()) GTEST_SKIP() << "this host has no io_uring";
  }
};

TEST_F(UringTest, WritesAndReads) {
  const auto disk = open();
  const std::vector<u8> bytes = pattern(64_KiB, 1);
  EXPECT_EQ(write(*disk, 4096, bytes), 0);
  const std::vector<u8> stored = content();
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), stored.begin() + 4096));
  std::vector<u8> back(64_KiB);
  EXPECT_EQ(read(*disk, 4096, back), 0);
  EXPECT_EQ(back, bytes);
  EXPECT_EQ(flush(*disk), 0);
}

TEST_F(UringTest, LargeTransfersAreWhole) {
  const auto disk = open();
  const std::vector<u8> bytes = pattern(kSize, 2);
  EXPECT_EQ(write(*disk, 0, bytes), 0);
  EXPECT_EQ(content(), bytes);
  std::vector<u8> back(kSize);
  EXPECT_EQ(read(*disk, 0, back), 0);
  EXPECT_EQ(back, bytes);
}

TEST_F(UringTest, APartOfTheFileIsWhereItIs) {
  properties.push_back({"offset", "65536"});
  const auto disk = open();
  const std::vector<u8> bytes = pattern(512, 3);
  EXPECT_EQ(write(*disk, 512, bytes), 0);
  const std::vector<u8> stored = content();
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), stored.begin() + 65536 + 512));
}

TEST_F(UringTest, MoreThanARingHoldsAreAllCarriedOut) {
  const auto disk = open();
  constexpr unsigned kCount = 1000;
  std::vector<std::vector<u8>> sectors;
  for (unsigned n = 0; n < kCount; ++n) sectors.push_back(pattern(512, n));
  unsigned done = 0;
  for (unsigned n = 0; n < kCount; ++n) {
    BlockRequest one = request(BlockOp::Write, u64{n} * 512, sectors[n]);
    one.done = [&done](int result) {
      EXPECT_EQ(result, 0);
      ++done;
    };
    disk->queue->submit(std::move(one));
  }
  disk->queue->drain();
  EXPECT_EQ(done, kCount);
  const std::vector<u8> stored = content();
  for (unsigned n = 0; n < kCount; ++n)
    EXPECT_TRUE(std::equal(sectors[n].begin(), sectors[n].end(), stored.begin() + n * 512)) << n;
}

TEST_F(UringTest, AFileThatHasBecomeShorterGivesTheUsualError) {
  const auto disk = open();
  std::filesystem::resize_file(options.file, kSize / 2);
  std::vector<u8> back(512);
  EXPECT_EQ(read(*disk, kSize - 512, back), -EIO);
  EXPECT_EQ(write(*disk, kSize - 512, back), -EIO);
  EXPECT_EQ(std::filesystem::file_size(options.file), kSize / 2);
  EXPECT_EQ(read(*disk, 0, back), 0);
}

TEST_F(UringTest, ZeroesAreStillDetected) {
  properties.push_back({"detect-zeroes", "unmap"});
  const auto disk = open();
  EXPECT_EQ(write(*disk, 0, pattern(64_KiB, 4)), 0);
  EXPECT_EQ(write(*disk, 0, std::vector<u8>(64_KiB)), 0);
  std::vector<u8> back(64_KiB, 1);
  EXPECT_EQ(read(*disk, 0, back), 0);
  EXPECT_EQ(back, std::vector<u8>(64_KiB));
}

TEST_F(UringTest, GoesWithRequestsUnderWay) {
  std::vector<u8> bytes(kSize, 7);
  {
    const auto disk = open();
    BlockRequest one = request(BlockOp::Write, 0, bytes);
    one.done = [](int) { ADD_FAILURE() << "its queue is gone"; };
    disk->queue->submit(std::move(one));
  }
  EXPECT_EQ(content(), bytes) << "what was submitted is carried out";
}

TEST_F(UringTest, AnEngineThatIsNoneIsRefusedWhenTheImageIsOpened) {
  properties = {{"file.aio", "magic"}};
  EXPECT_NE(message_of_open().find("magic"), std::string::npos) << message_of_open();
  properties = {{"file.aio", "threads"}};
  EXPECT_EQ(message_of_open(), "");
}

TEST_F(UringTest, AHostThatGivesNoRingIsSaidToBeWhatItIs) {
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  auto& opened =
      dynamic_cast<BlockNode&>(backends.add(kBlockKind, "raw", "disk0", all_properties()));
  const int next = ::open("/dev/null", O_RDONLY | O_CLOEXEC);
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(next);  // no descriptor is free from here on
  ::close(next);
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  std::string message;
  try {
    const BlockQueue queue(machine, opened, settings);
  } catch (const Error& error) {
    message = error.what();
  }
  setrlimit(RLIMIT_NOFILE, &before);
  EXPECT_NE(message.find("io_uring is not available here"), std::string::npos) << message;
  backends.remove("disk0");
}

}  // namespace
}  // namespace backplane
