// SPDX-License-Identifier: MIT
// Reading, writing and zeroing a raw image, in every cache mode.
#include <limits.h>
#include <sys/stat.h>

#include <cerrno>
#include <random>

#include "block_fixture.h"

namespace backplane {
namespace {

class RawBackendTest : public BlockTest, public testing::WithParamInterface<const char*> {
 protected:
  RawBackendTest() { options.cache = GetParam(); }
};

INSTANTIATE_TEST_SUITE_P(CacheModes, RawBackendTest,
                         testing::Values("writeback", "none", "writethrough", "directsync",
                                         "unsafe"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(RawBackendTest, WritesReachTheFile) {
  const auto backend = open();
  const auto bytes = pattern(8192, 1);
  EXPECT_EQ(write(*backend, 4096, bytes), 0);
  EXPECT_EQ(flush(*backend), 0);
  const auto file = content();
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), file.begin() + 4096));
  EXPECT_EQ(file.size(), kSize);
}

TEST_P(RawBackendTest, ReadsIntoManyPieces) {
  options.file = make_image("pattern.img", pattern(kSize, 2));
  const auto backend = open();
  // More pieces than one system call takes, of odd lengths.
  constexpr std::size_t kPieces = 3 * IOV_MAX + 1;
  std::vector<u8> bytes(512 * 800);
  BlockRequest request{.op = BlockOp::Read, .offset = 512, .size = bytes.size()};
  const std::size_t step = bytes.size() / kPieces;
  for (std::size_t i = 0; i < kPieces; ++i) {
    const std::size_t at = i * step;
    request.iov.push_back({bytes.data() + at, i + 1 < kPieces ? step : bytes.size() - at});
    if (i % 100 == 0) request.iov.push_back({nullptr, 0});
  }
  EXPECT_EQ(run(*backend, std::move(request)), 0);
  const auto file = content();
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), file.begin() + 512));
}

TEST_P(RawBackendTest, RandomRequestsAgreeWithAModel) {
  options.detect_zeroes = DetectZeroes::Unmap;
  const auto backend = open();
  std::vector<u8> model(kSize);
  std::mt19937 random(7);
  const auto below = [&](u64 limit) { return random() % limit; };
  for (unsigned round = 0; round < 150; ++round) {
    const u64 sectors = 1 + below(64);
    const u64 offset = 512 * below(kSize / 512 - sectors + 1);
    auto bytes = pattern(512 * sectors, round);
    const auto at = model.begin() + static_cast<std::ptrdiff_t>(offset);
    const auto end = at + static_cast<std::ptrdiff_t>(bytes.size());
    switch (below(6)) {
      case 0:
        ASSERT_EQ(run(*backend, {.op = BlockOp::WriteZeroes,
                                 .offset = offset,
                                 .size = bytes.size(),
                                 .may_unmap = below(2) == 0}),
                  0);
        std::fill(at, end, 0);
        break;
      case 1:
        std::fill(bytes.begin(), bytes.end(), 0);
        [[fallthrough]];
      case 2:
      case 3:
        ASSERT_EQ(write(*backend, offset, bytes), 0);
        std::copy(bytes.begin(), bytes.end(), at);
        break;
      default:
        ASSERT_EQ(read(*backend, offset, bytes), 0);
        ASSERT_TRUE(std::equal(at, end, bytes.begin())) << "round " << round;
    }
  }
  EXPECT_EQ(flush(*backend), 0);
  EXPECT_EQ(content(), model);
}

TEST_P(RawBackendTest, ManyRequestsAtOnceAllComplete) {
  const auto backend = open();
  std::vector<std::vector<u8>> buffers;
  constexpr u32 kCount = 150;
  for (u32 i = 0; i < kCount; ++i) buffers.push_back(pattern(512, i));
  int completed = 0;
  for (u64 i = 0; i < buffers.size(); ++i) {
    BlockRequest write = request(BlockOp::Write, 512 * i, buffers[i]);
    write.done = [&](int result) { completed += result == 0; };
    backend->submit(std::move(write));
  }
  backend->drain();
  EXPECT_EQ(completed, static_cast<int>(kCount));
  const auto file = content();
  for (std::size_t i = 0; i < buffers.size(); ++i)
    ASSERT_TRUE(std::equal(buffers[i].begin(), buffers[i].end(),
                           file.begin() + static_cast<std::ptrdiff_t>(512 * i)));
}

TEST_P(RawBackendTest, TellsWhetherItHasAWriteCache) {
  const std::string mode = GetParam();
  EXPECT_EQ(open()->write_cache(), mode != "writethrough" && mode != "directsync");
}

TEST_P(RawBackendTest, DescribesItself) {
  EXPECT_EQ(open()->describe(), options.file + ", raw, 1 MiB, read-write, cache=" + options.cache);
}

class BlockBackendTest : public BlockTest {
 protected:
  u64 blocks_on_disk() const {
    struct stat status {};
    stat(options.file.c_str(), &status);
    return static_cast<u64>(status.st_blocks);
  }
};

TEST_F(BlockBackendTest, RefusesWhatIsOutsideAndTouchesNothing) {
  const auto backend = open();
  const std::vector<u8> sector(512, 0xff);
  constexpr u64 kMax = ~u64{0} - 511;
  for (const u64 offset : {kSize, kSize + 512, kMax, u64{1}, u64{511}})
    EXPECT_EQ(write(*backend, offset, sector), -EINVAL) << offset;
  EXPECT_EQ(write(*backend, kSize - 512, std::vector<u8>(1024, 0xff)), -EINVAL);
  EXPECT_EQ(write(*backend, 0, std::vector<u8>(100, 0xff)), -EINVAL);
  for (const BlockOp op : {BlockOp::Discard, BlockOp::WriteZeroes}) {
    EXPECT_EQ(run(*backend, {.op = op, .offset = 512, .size = kMax}), -EINVAL);
    EXPECT_EQ(run(*backend, {.op = op, .offset = kSize, .size = 512}), -EINVAL);
    EXPECT_EQ(run(*backend, {.op = op, .offset = 0, .size = 100}), -EINVAL);
  }
  EXPECT_EQ(content(), std::vector<u8>(kSize));
}

TEST_F(BlockBackendTest, RefusesBuffersThatDoNotAddUp) {
  const auto backend = open();
  std::vector<u8> sector(512, 0xff);
  BlockRequest longer = request(BlockOp::Write, 0, sector);
  longer.size = 1024;
  EXPECT_EQ(run(*backend, std::move(longer)), -EINVAL);
  BlockRequest wraps = request(BlockOp::Read, 0, sector);
  wraps.iov.push_back({sector.data(), ~std::size_t{0} - 511});
  wraps.iov.push_back({sector.data(), 512});
  EXPECT_EQ(run(*backend, std::move(wraps)), -EINVAL);
}

TEST_F(BlockBackendTest, NothingAtTheEndIsNoError) {
  const auto backend = open();
  for (const BlockOp op : {BlockOp::Read, BlockOp::Write, BlockOp::Discard, BlockOp::WriteZeroes})
    EXPECT_EQ(run(*backend, {.op = op, .offset = kSize, .size = 0}), 0);
}

TEST_F(BlockBackendTest, ReadOnlyImagesRefuseWrites) {
  options.read_only = true;
  const auto backend = open();
  EXPECT_TRUE(backend->read_only());
  std::vector<u8> sector(512, 0xff);
  EXPECT_EQ(write(*backend, 0, sector), -EACCES);
  for (const BlockOp op : {BlockOp::Discard, BlockOp::WriteZeroes})
    EXPECT_EQ(run(*backend, {.op = op, .offset = 0, .size = 512}), -EACCES);
  EXPECT_EQ(read(*backend, 0, sector), 0);
  EXPECT_EQ(flush(*backend), 0);
  EXPECT_EQ(content(), std::vector<u8>(kSize));
}

TEST_F(BlockBackendTest, AnImageCutOffWhileItIsUsedGivesErrors) {
  const auto backend = open();
  std::filesystem::resize_file(options.file, 4096);
  std::vector<u8> sector(512);
  EXPECT_EQ(read(*backend, 0, sector), 0);
  EXPECT_EQ(read(*backend, 4096, sector), -EIO);
  std::vector<u8> across(8192);
  EXPECT_EQ(read(*backend, 0, across), -EIO);
}

TEST_F(BlockBackendTest, DiscardGivesSpaceBack) {
  options.file = make_image("full.img", pattern(kSize, 3));
  const auto backend = open();
  ASSERT_EQ(flush(*backend), 0);
  const u64 before = blocks_on_disk();
  EXPECT_EQ(run(*backend, {.op = BlockOp::Discard, .offset = 0, .size = kSize / 2}), 0);
  EXPECT_LT(blocks_on_disk(), before);
  EXPECT_EQ(std::filesystem::file_size(options.file), kSize);
}

TEST_F(BlockBackendTest, IgnoresDiscardsIfAsked) {
  options.discard = false;
  const auto bytes = pattern(kSize, 3);
  options.file = make_image("full.img", bytes);
  const auto backend = open();
  EXPECT_EQ(run(*backend, {.op = BlockOp::Discard, .offset = 0, .size = kSize}), 0);
  EXPECT_EQ(content(), bytes);
}

TEST_F(BlockBackendTest, ZeroesDetectedTakeNoSpaceIfTheyMay) {
  for (const auto mode : {DetectZeroes::Off, DetectZeroes::On, DetectZeroes::Unmap}) {
    options.file = make_image("full.img", pattern(kSize, 3));
    options.detect_zeroes = mode;
    const auto backend = open();
    ASSERT_EQ(flush(*backend), 0);
    const u64 before = blocks_on_disk();
    EXPECT_EQ(write(*backend, 0, std::vector<u8>(kSize)), 0);
    EXPECT_EQ(blocks_on_disk() < before, mode == DetectZeroes::Unmap);
    EXPECT_EQ(content(), std::vector<u8>(kSize));
  }
}

TEST_F(BlockBackendTest, AFileThatBecomesShorterStaysSo) {
  const auto backend = open();
  std::filesystem::resize_file(options.file, 4096);
  std::vector<u8> sectors(1024);
  EXPECT_EQ(write(*backend, 3072, pattern(1024, 1)), 0);
  EXPECT_EQ(read(*backend, 3584, sectors), -EIO);
  for (const u64 offset : {u64{3584}, u64{4096}, kSize - 1024}) {
    EXPECT_EQ(write(*backend, offset, pattern(1024, 1)), -EIO);
    for (const BlockOp op : {BlockOp::Discard, BlockOp::WriteZeroes})
      for (const bool unmap : {false, true})
        EXPECT_EQ(run(*backend, {.op = op, .offset = offset, .size = 1024, .may_unmap = unmap}),
                  -EIO);
  }
  EXPECT_EQ(content().size(), 4096U);
  EXPECT_EQ(backend->explain(-EIO), options.file + " has become shorter: 4 KiB instead of 1 MiB");
  EXPECT_EQ(backend->explain(-ENOSPC), options.file + ": No space left on device");

  std::filesystem::resize_file(options.file, kSize);
  EXPECT_EQ(write(*backend, 4096, pattern(1024, 1)), 0);
  EXPECT_EQ(backend->explain(-EIO), options.file + ": Input/output error");
}

TEST_F(BlockBackendTest, ItsThreadsHaveItsName) {
  const auto backend = open();
  EXPECT_EQ(flush(*backend), 0);
  std::vector<std::string> names;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task"))
    std::getline(std::ifstream(thread.path() / "comm"), names.emplace_back());
  EXPECT_EQ(std::count(names.begin(), names.end(), "disk disk0"), 1);
}

TEST_F(BlockBackendTest, ACompletionMaySubmitAndDrain) {
  const auto backend = open();
  std::vector<u8> sector(512);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) {
    BlockRequest first = request(BlockOp::Read, 0, sector);
    first.done = [&, i](int) {
      order.push_back(i);
      if (order.size() > 1) return;
      BlockRequest more{.op = BlockOp::Flush};
      more.done = [&](int) { order.push_back(9); };
      backend->submit(std::move(more));
      backend->drain();
      EXPECT_EQ(order.size(), 4u);
    };
    backend->submit(std::move(first));
  }
  backend->drain();
  EXPECT_EQ(order.size(), 4u);
}

TEST_F(BlockBackendTest, ClosingCarriesOutWhatWasSubmittedAndCallsNobody) {
  auto backend = open();
  auto bytes = pattern(4096, 4);
  BlockRequest last = request(BlockOp::Write, 0, bytes);
  last.done = [](int) { FAIL() << "called after the end"; };
  backend->submit(std::move(last));
  backend.reset();
  while (loop.iterate(false)) {
  }
  const auto file = content();
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), file.begin()));
}

TEST_F(BlockBackendTest, OneDeviceAtATimeUsesIt) {
  const auto backend = open();
  backend->claim("first");
  try {
    backend->claim("second");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "drive disk0 is used by first already: second needs one of its own");
  }
  backend->release();
  backend->claim("second");
}

TEST_F(BlockBackendTest, RegistryFindsBackendsById) {
  BlockRegistry registry;
  registry.add(open());
  EXPECT_NE(registry.find("disk0"), nullptr);
  EXPECT_EQ(registry.find("disk1"), nullptr);
  options.locking = ImageLocking::Off;
  EXPECT_THROW(registry.add(open()), Error);
  EXPECT_EQ(registry.all().size(), 1u);
  registry.clear();
  EXPECT_EQ(registry.find("disk0"), nullptr);
}

}  // namespace
}  // namespace backplane
