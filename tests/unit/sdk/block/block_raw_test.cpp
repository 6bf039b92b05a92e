// SPDX-License-Identifier: MIT
// Reading, writing and zeroing a raw image, whatever the host's cache does.
#include <limits.h>
#include <sys/stat.h>

#include <cerrno>
#include <random>

#include "block_fixture.h"

namespace backplane {
namespace {

struct CacheMode {
  const char* name;
  const char* direct;
  const char* no_flush;
  bool write_through;
};
class BlockRawTest : public BlockTest, public ::testing::WithParamInterface<CacheMode> {
 protected:
  BlockRawTest() {
    properties = {{"cache.direct", GetParam().direct}, {"cache.no-flush", GetParam().no_flush}};
    settings.write_through = GetParam().write_through;
  }
};

INSTANTIATE_TEST_SUITE_P(CacheModes, BlockRawTest,
                         ::testing::Values(CacheMode{"writeback", "off", "off", false},
                                           CacheMode{"none", "on", "off", false},
                                           CacheMode{"writethrough", "off", "off", true},
                                           CacheMode{"directsync", "on", "off", true},
                                           CacheMode{"unsafe", "off", "on", false}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(BlockRawTest, WritesReachTheFile) {
  const auto disk = open();
  const auto bytes = pattern(8192, 1);
  EXPECT_EQ(write(*disk, 4096, bytes), 0);
  EXPECT_EQ(flush(*disk), 0);
  const auto file = content();
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), file.begin() + 4096));
  EXPECT_EQ(file.size(), kSize);
}

TEST_P(BlockRawTest, ReadsIntoManyPieces) {
  options.file = make_image("pattern.img", pattern(kSize, 2));
  const auto disk = open();
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
  EXPECT_EQ(run(*disk, std::move(request)), 0);
  const auto file = content();
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), file.begin() + 512));
}

TEST_P(BlockRawTest, RandomRequestsAgreeWithAModel) {
  properties.emplace_back("detect-zeroes", "unmap");
  const auto disk = open();
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
        ASSERT_EQ(run(*disk, {.op = BlockOp::WriteZeroes,
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
        ASSERT_EQ(write(*disk, offset, bytes), 0);
        std::copy(bytes.begin(), bytes.end(), at);
        break;
      default:
        ASSERT_EQ(read(*disk, offset, bytes), 0);
        ASSERT_TRUE(std::equal(at, end, bytes.begin())) << "round " << round;
    }
  }
  EXPECT_EQ(flush(*disk), 0);
  EXPECT_EQ(content(), model);
}

TEST_P(BlockRawTest, ManyRequestsAtOnceAllComplete) {
  const auto disk = open();
  std::vector<std::vector<u8>> buffers;
  constexpr u32 kCount = 150;
  for (u32 i = 0; i < kCount; ++i) buffers.push_back(pattern(512, i));
  int completed = 0;
  for (u64 i = 0; i < buffers.size(); ++i) {
    BlockRequest write = request(BlockOp::Write, 512 * i, buffers[i]);
    write.done = [&](int result) { completed += result == 0; };
    disk->queue->submit(std::move(write));
  }
  disk->queue->drain();
  EXPECT_EQ(completed, static_cast<int>(kCount));
  const auto file = content();
  for (std::size_t i = 0; i < buffers.size(); ++i)
    ASSERT_TRUE(std::equal(buffers[i].begin(), buffers[i].end(),
                           file.begin() + static_cast<std::ptrdiff_t>(512 * i)));
}

TEST_P(BlockRawTest, DescribesItself) {
  const std::string shown = open()->node.describe();
  EXPECT_TRUE(shown.starts_with(options.file + ", raw, 1 MiB, read-write")) << shown;
  for (const auto& [key, value] : properties)
    EXPECT_EQ(shown.find(", " + key + "=on") != std::string::npos, value == "on") << shown;
}

class BlockDiskTest : public BlockTest {
 protected:
  u64 blocks_on_disk() const {
    struct stat status {};
    stat(options.file.c_str(), &status);
    return static_cast<u64>(status.st_blocks);
  }
};

TEST_F(BlockDiskTest, RefusesWhatIsOutsideAndTouchesNothing) {
  const auto disk = open();
  const std::vector<u8> sector(512, 0xff);
  constexpr u64 kMax = ~u64{0} - 511;
  for (const u64 offset : {kSize, kSize + 512, kMax, u64{1}, u64{511}})
    EXPECT_EQ(write(*disk, offset, sector), -EINVAL) << offset;
  EXPECT_EQ(write(*disk, kSize - 512, std::vector<u8>(1024, 0xff)), -EINVAL);
  EXPECT_EQ(write(*disk, 0, std::vector<u8>(100, 0xff)), -EINVAL);
  for (const BlockOp op : {BlockOp::Discard, BlockOp::WriteZeroes}) {
    EXPECT_EQ(run(*disk, {.op = op, .offset = 512, .size = kMax}), -EINVAL);
    EXPECT_EQ(run(*disk, {.op = op, .offset = kSize, .size = 512}), -EINVAL);
    EXPECT_EQ(run(*disk, {.op = op, .offset = 0, .size = 100}), -EINVAL);
  }
  EXPECT_EQ(content(), std::vector<u8>(kSize));
}

TEST_F(BlockDiskTest, RefusesBuffersThatDoNotAddUp) {
  const auto disk = open();
  std::vector<u8> sector(512, 0xff);
  BlockRequest longer = request(BlockOp::Write, 0, sector);
  longer.size = 1024;
  EXPECT_EQ(run(*disk, std::move(longer)), -EINVAL);
  BlockRequest wraps = request(BlockOp::Read, 0, sector);
  wraps.iov.push_back({sector.data(), ~std::size_t{0} - 511});
  wraps.iov.push_back({sector.data(), 512});
  EXPECT_EQ(run(*disk, std::move(wraps)), -EINVAL);
}

TEST_F(BlockDiskTest, NothingAtTheEndIsNoError) {
  const auto disk = open();
  for (const BlockOp op : {BlockOp::Read, BlockOp::Write, BlockOp::Discard, BlockOp::WriteZeroes})
    EXPECT_EQ(run(*disk, {.op = op, .offset = kSize, .size = 0}), 0);
}

TEST_F(BlockDiskTest, ReadOnlyImagesRefuseWrites) {
  properties = {{"read-only", "on"}};
  const auto disk = open();
  EXPECT_TRUE(disk->node.read_only());
  std::vector<u8> sector(512, 0xff);
  EXPECT_EQ(write(*disk, 0, sector), -EACCES);
  for (const BlockOp op : {BlockOp::Discard, BlockOp::WriteZeroes})
    EXPECT_EQ(run(*disk, {.op = op, .offset = 0, .size = 512}), -EACCES);
  EXPECT_EQ(read(*disk, 0, sector), 0);
  EXPECT_EQ(flush(*disk), 0);
  EXPECT_EQ(content(), std::vector<u8>(kSize));
}

TEST_F(BlockDiskTest, AnImageCutOffWhileItIsUsedGivesErrors) {
  const auto disk = open();
  std::filesystem::resize_file(options.file, 4096);
  std::vector<u8> sector(512);
  EXPECT_EQ(read(*disk, 0, sector), 0);
  EXPECT_EQ(read(*disk, 4096, sector), -EIO);
  std::vector<u8> across(8192);
  EXPECT_EQ(read(*disk, 0, across), -EIO);
}

TEST_F(BlockDiskTest, DiscardGivesSpaceBack) {
  options.file = make_image("full.img", pattern(kSize, 3));
  const auto disk = open();
  ASSERT_EQ(flush(*disk), 0);
  const u64 before = blocks_on_disk();
  EXPECT_EQ(run(*disk, {.op = BlockOp::Discard, .offset = 0, .size = kSize / 2}), 0);
  EXPECT_LT(blocks_on_disk(), before);
  EXPECT_EQ(std::filesystem::file_size(options.file), kSize);
}

TEST_F(BlockDiskTest, IgnoresDiscardsIfAsked) {
  properties = {{"discard", "ignore"}};
  const auto bytes = pattern(kSize, 3);
  options.file = make_image("full.img", bytes);
  const auto disk = open();
  EXPECT_EQ(run(*disk, {.op = BlockOp::Discard, .offset = 0, .size = kSize}), 0);
  EXPECT_EQ(content(), bytes);
}

TEST_F(BlockDiskTest, ZeroesDetectedTakeNoSpaceIfTheyMay) {
  for (const std::string mode : {"off", "on", "unmap"}) {
    options.file = make_image("full.img", pattern(kSize, 3));
    properties = {{"detect-zeroes", mode}};
    const auto disk = open();
    ASSERT_EQ(flush(*disk), 0);
    const u64 before = blocks_on_disk();
    EXPECT_EQ(write(*disk, 0, std::vector<u8>(kSize)), 0);
    EXPECT_EQ(blocks_on_disk() < before, mode == "unmap");
    EXPECT_EQ(content(), std::vector<u8>(kSize));
  }
}

TEST_F(BlockDiskTest, AFileThatBecomesShorterStaysSo) {
  const auto disk = open();
  std::filesystem::resize_file(options.file, 4096);
  std::vector<u8> sectors(1024);
  EXPECT_EQ(write(*disk, 3072, pattern(1024, 1)), 0);
  EXPECT_EQ(read(*disk, 3584, sectors), -EIO);
  for (const u64 offset : {u64{3584}, u64{4096}, kSize - 1024}) {
    EXPECT_EQ(write(*disk, offset, pattern(1024, 1)), -EIO);
    for (const BlockOp op : {BlockOp::Discard, BlockOp::WriteZeroes})
      for (const bool unmap : {false, true})
        EXPECT_EQ(run(*disk, {.op = op, .offset = offset, .size = 1024, .may_unmap = unmap}), -EIO);
  }
  EXPECT_EQ(content().size(), 4096U);
  EXPECT_EQ(disk->node.explain(-EIO), options.file + " has become shorter: 4 KiB instead of 1 MiB");
  EXPECT_EQ(disk->node.explain(-ENOSPC), options.file + ": No space left on device");

  std::filesystem::resize_file(options.file, kSize);
  EXPECT_EQ(write(*disk, 4096, pattern(1024, 1)), 0);
  EXPECT_EQ(disk->node.explain(-EIO), options.file + ": Input/output error");
}

TEST_F(BlockDiskTest, ItsThreadsHaveItsName) {
  const auto disk = open();
  EXPECT_EQ(flush(*disk), 0);
  std::vector<std::string> names;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task"))
    std::getline(std::ifstream(thread.path() / "comm"), names.emplace_back());
  EXPECT_EQ(std::count(names.begin(), names.end(), "disk disk0"), 1);
}

TEST_F(BlockDiskTest, ACompletionMaySubmitAndDrain) {
  const auto disk = open();
  std::vector<u8> sector(512);
  std::vector<int> order;
  for (int i = 0; i < 3; ++i) {
    BlockRequest first = request(BlockOp::Read, 0, sector);
    first.done = [&, i](int) {
      order.push_back(i);
      if (order.size() > 1) return;
      BlockRequest more{.op = BlockOp::Flush};
      more.done = [&](int) { order.push_back(9); };
      disk->queue->submit(std::move(more));
      disk->queue->drain();
      EXPECT_EQ(order.size(), 4u);
    };
    disk->queue->submit(std::move(first));
  }
  disk->queue->drain();
  EXPECT_EQ(order.size(), 4u);
}

TEST_F(BlockDiskTest, ClosingCarriesOutWhatWasSubmittedAndCallsNobody) {
  auto disk = open();
  auto bytes = pattern(4096, 4);
  BlockRequest last = request(BlockOp::Write, 0, bytes);
  last.done = [](int) { FAIL() << "called after the end"; };
  disk->queue->submit(std::move(last));
  disk.reset();
  machine.run_main_loop();
  const auto file = content();
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), file.begin()));
}

TEST_F(BlockDiskTest, ARawNodeIsAPartOfAFileIfAsked) {
  options.file = make_image("pattern.img", pattern(kSize, 2));
  properties = {{"offset", "4K"}, {"size", "8K"}};
  const auto disk = open();
  EXPECT_EQ(disk->node.size(), 8192U);
  std::vector<u8> bytes(8192);
  EXPECT_EQ(read(*disk, 0, bytes), 0);
  EXPECT_TRUE(std::equal(bytes.begin(), bytes.end(), content().begin() + 4096));
  EXPECT_EQ(write(*disk, 512, std::vector<u8>(512, 0xab)), 0);
  EXPECT_EQ(content()[4096 + 512], 0xab);
  EXPECT_EQ(run(*disk, {.op = BlockOp::Flush}), 0);
}

TEST_F(BlockDiskTest, APartLiesWithinItsFile) {
  properties = {{"offset", "1M"}, {"size", "512"}};
  EXPECT_EQ(message_of_open(), "offset=1048576,size=512: " + options.file + " has 1048576 bytes");
  properties = {{"offset", "1025K"}};
  EXPECT_NE(message_of_open(), "");
}

TEST_F(BlockDiskTest, SizeThatIsNoMultipleOfASector) {
  options.file = make_image("odd.img", std::vector<u8>(1000));
  EXPECT_EQ(message_of_open(), options.file + " has 1000 bytes: expects a multiple of 512");
}

TEST_F(BlockDiskTest, AFormatIsReadOnlyOnAFileThatIs) {
  properties = {{"file.read-only", "on"}};
  EXPECT_TRUE(open()->node.read_only());
  properties.emplace_back("read-only", "off");
  EXPECT_EQ(message_of_open(), "read-only=off: the file below it is read-only");
}

TEST_F(BlockDiskTest, AFileMadeInPlaceIsAskedForWhatItsFormatIs) {
  properties = {{"read-only", "on"}, {"cache.direct", "on"}};
  const auto disk = open();
  const auto* const file = dynamic_cast<BlockNode*>(machine.find("/backends/disk0/file"));
  ASSERT_NE(file, nullptr);
  EXPECT_TRUE(file->read_only());
  EXPECT_EQ(file->get_property("cache.direct"), "on");
  EXPECT_EQ(file->user(), &disk->node);
}

TEST_F(BlockDiskTest, AFileMadeInPlaceNeedsADriver) {
  try {
    backends.add(kBlockKind, "raw", "disk1", {{"file.filename", options.file}});
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "file.driver is missing: expects the name of a block driver");
  }
  EXPECT_EQ(machine.find("/backends/disk1"), nullptr);
}

TEST_F(BlockDiskTest, PropertiesThatContradictEachOtherAreRefused) {
  properties = {{"cache.direct", "on"}, {"cache.no-flush", "on"}};
  EXPECT_EQ(message_of_open(), "cache.direct=on and cache.no-flush=on exclude each other");
  properties = {{"discard", "ignore"}, {"detect-zeroes", "unmap"}};
  EXPECT_EQ(message_of_open(),
            "detect-zeroes=unmap: gives space back, which discard=ignore forbids");
}

TEST_F(BlockDiskTest, AQueueGoesOnlyOnWholeSectors) {
  make_image("odd.img", std::vector<u8>(1000));
  auto& node = dynamic_cast<BlockNode&>(
      backends.add(kBlockKind, "file", "odd", {{"filename", path("odd.img")}}));
  EXPECT_THROW(BlockQueue(machine, node, {}), Error);
  EXPECT_EQ(node.queue(), nullptr);
}

}  // namespace
}  // namespace backplane
