// SPDX-License-Identifier: MIT
#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <set>
#include <thread>
#include <utility>

#include "backplane/block_queue.h"
#include "backplane/error.h"
#include "backplane/io_thread.h"
#include "backplane/machine_state.h"
#include "backplane/testing/scratch_directory.h"
#include "virtio_machine.h"

namespace backplane::testing {
namespace {

using namespace virtio;

// A disk in memory. While it holds requests, none is done until it is told to.
class MemoryNode final : public BlockNode {
 public:
  static void class_init(ObjectClass&) {}
  u64 size() const override { return bytes.size(); }
  int grow(u64 size) override {
    bytes.resize(size);
    return 0;
  }

  void hold() {
    const std::lock_guard lock(mutex_);
    held_ = true;
  }
  // Lets go of the one at `offset`, which must be there; all of them, and holds no more.
  void let_go(u64 offset) {
    const std::lock_guard lock(mutex_);
    free_.insert(offset);
    changed_.notify_all();
  }
  void let_go() {
    const std::lock_guard lock(mutex_);
    held_ = false;
    changed_.notify_all();
  }
  // Waits until that many are held.
  void wait_for(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return waiting_ == count; });
  }
  std::vector<BlockOp> log() const {
    const std::lock_guard lock(mutex_);
    return log_;
  }

  std::string bytes = std::string(1_MiB, '\0');
  std::atomic<int> error{0};

 protected:
  int do_read(u64 offset, std::span<const iovec> iov) override {
    return request(BlockOp::Read, offset, [&] {
      for (const iovec& piece : iov) {
        std::memcpy(piece.iov_base, bytes.data() + offset, piece.iov_len);
        offset += piece.iov_len;
      }
    });
  }
  int do_write(u64 offset, std::span<const iovec> iov) override {
    return request(BlockOp::Write, offset, [&] {
      for (const iovec& piece : iov) {
        std::memcpy(bytes.data() + offset, piece.iov_base, piece.iov_len);
        offset += piece.iov_len;
      }
    });
  }
  int do_flush() override {
    return request(BlockOp::Flush, 0, [] {});
  }
  int do_discard(u64 offset, u64 size) override {
    return request(BlockOp::Discard, offset, [&] { std::fill_n(&bytes[offset], size, '\0'); });
  }
  int do_write_zeroes(u64 offset, u64 size, bool) override {
    return request(BlockOp::WriteZeroes, offset, [&] { std::fill_n(&bytes[offset], size, '\0'); });
  }

 private:
  template <class Action>
  int request(BlockOp op, u64 offset, Action action) {
    std::unique_lock lock(mutex_);
    log_.push_back(op);
    ++waiting_;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_ || free_.contains(offset); });
    --waiting_;
    if (error == 0) action();
    return error;
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<BlockOp> log_;
  std::set<u64> free_;
  std::size_t waiting_ = 0;
  bool held_ = false;
};
BACKPLANE_TYPE(MemoryNode, "block-memory")

struct Header {
  u32 type;
  u32 reserved;
  u64 sector;
};
enum Type : u32 { kIn = 0, kOut = 1, kFlush = 4, kGetId = 8, kDiscard = 11, kWriteZeroes = 13 };
enum Feature : unsigned { kRo = 5, kFlushFeature = 9, kWce = 11, kMq = 12 };
constexpr u8 kUnset = 0xee;
constexpr Kind kObjectKind{
    .base = "backend", .prefix = "", .suffix = "", .noun = "backend", .option = "-object"};

// Served in the main loop, and (true) in an I/O thread.
class BlockTest : public VirtioTest, public ::testing::WithParamInterface<bool> {
 protected:
  static constexpr u64 kSize = 1_MiB;
  static constexpr u64 kHeader = kData;
  static constexpr u64 kStatus = kData + 0x800;
  static constexpr u64 kPayload = kData + 0x1000;

  MemoryNode* add_node(const std::string& id, const Properties& properties = {}) {
    return dynamic_cast<MemoryNode*>(&backends_.add(kBlockKind, "memory", id, properties));
  }

  void start(Properties properties = {}, u64 features = bit(kFlushFeature),
             const char* drive = "disk0") {
    if (GetParam()) {
      backends_.add(kObjectKind, "iothread", "io0", {});
      properties.emplace_back("iothread", "io0");
      run();
    }
    properties.emplace_back("drive", drive);
    function_ = &add("virtio-blk-pci", properties);
    driver_.emplace(machine_, kSlot);
    ASSERT_TRUE(driver_->negotiate(kModern | features));
    queue_.emplace(machine_.memory(), kRing, 64);
    driver_->set_up_queue(0, *queue_);
    driver_->driver_ok();
  }
  // An I/O thread serves while the machine runs.
  void run() {
    power_on();
    if (machine_.run_control().state() != RunState::Running) machine_.run_control().start();
  }
  void power_on() {
    if (!std::exchange(on_, true)) machine_.power_on();
  }
  void header(u32 type, u64 sector, u64 at = kHeader) {
    const Header h{type, 0, sector};
    machine_.memory().write(at, &h, sizeof h);
    machine_.memory().store<u8>(kStatus, kUnset);
  }
  u8 status() { return machine_.memory().load<u8>(kStatus); }
  // Kicks queue 0 and waits until the last request has its status.
  void kick_and_wait() {
    driver_->kick(0);
    EXPECT_TRUE(machine_.run_main_loop_until([this] { return status() != kUnset; }));
  }
  // Sends a request of one data buffer and returns its status.
  u8 request(u32 type, u64 sector, u32 size) {
    header(type, sector);
    std::vector<Buffer> out{{kHeader, 16}};
    std::vector<Buffer> in;
    if (size != 0) (type == kIn || type == kGetId ? in : out).push_back({kPayload, size});
    in.push_back({kStatus, 1});
    queue_->add(out, in);
    kick_and_wait();
    return status();
  }
  u8 range(u32 type, u64 sector, u32 sectors, u32 flags = 0) {
    machine_.memory().store<u64>(kPayload, sector);
    machine_.memory().store<u32>(kPayload + 8, sectors);
    machine_.memory().store<u32>(kPayload + 12, flags);
    return request(type, 0, 16);
  }

  Backends& backends_ = machine_.add_child("backends", std::make_unique<Backends>(machine_));
  MemoryNode* disk_ = add_node("disk0");
  VirtioPci* function_ = nullptr;
  std::optional<VirtioPciDriver> driver_;
  std::optional<DriverQueue> queue_;
  bool on_ = false;
};
INSTANTIATE_TEST_SUITE_P(, BlockTest, ::testing::Bool(), [](const auto& info) {
  return std::string(info.param ? "InAnIoThread" : "InTheMainLoop");
});

TEST_P(BlockTest, WritesAndReads) {
  start();
  put(kPayload, std::string(1024, 'w'));
  EXPECT_EQ(request(kOut, 3, 1024), 0);
  EXPECT_EQ(disk_->bytes.substr(3 * 512, 1024), std::string(1024, 'w'));
  EXPECT_EQ(disk_->bytes[5 * 512], '\0');
  put(kPayload, std::string(1024, '-'));
  EXPECT_EQ(request(kIn, 4, 1024), 0);
  EXPECT_EQ(get(kPayload, 1024), std::string(512, 'w') + std::string(512, '\0'));
  EXPECT_EQ(queue_->take_used()->length, 1U);
  EXPECT_EQ(queue_->take_used()->length, 1025U);
}

TEST_P(BlockTest, DescriptorsMayBeCutAnywhere) {
  start();
  header(kOut, 0);
  put(kPayload, std::string(512, 'x'));
  queue_->add({{kHeader, 3}, {kHeader + 3, 13}, {kPayload, 500}, {kPayload + 500, 12}},
              {{kStatus, 1}});
  kick_and_wait();
  EXPECT_EQ(status(), 0);
  EXPECT_EQ(disk_->bytes.substr(0, 512), std::string(512, 'x'));

  // The header together with the data, the status in one buffer with what is read.
  header(kIn, 0, kPayload);
  machine_.memory().store<u8>(kPayload + 0x1000 + 512, kUnset);
  queue_->add({{kPayload, 16}}, {{kPayload + 0x1000, 513}});
  driver_->kick(0);
  EXPECT_TRUE(machine_.run_main_loop_until(
      [&] { return machine_.memory().load<u8>(kPayload + 0x1000 + 512) != kUnset; }));
  EXPECT_EQ(get(kPayload + 0x1000, 513), std::string(512, 'x') + '\0');
}

TEST_P(BlockTest, RequestsOutsideTheDiskFail) {
  start();
  EXPECT_EQ(request(kIn, kSize / 512, 512), 1);
  EXPECT_EQ(request(kIn, kSize / 512 - 1, 1024), 1);
  EXPECT_EQ(request(kOut, ~u64{0}, 512), 1);
  EXPECT_EQ(request(kIn, u64{1} << 55, 512), 1);
  EXPECT_EQ(request(kIn, kSize / 512 - 1, 512), 0);
}

TEST_P(BlockTest, TheGuestIsToldOfALongerDisk) {
  start();
  driver_->isr();
  disk_->resize(2 * kSize);
  EXPECT_EQ(driver_->isr(), kIsrConfig);
  EXPECT_EQ(driver_->config64(0), 2 * kSize / 512);
  EXPECT_EQ(request(kIn, kSize / 512, 512), 0);
  EXPECT_THROW(disk_->resize(kSize), Error);
  EXPECT_EQ(driver_->isr() & kIsrConfig, 0);
}

TEST_P(BlockTest, PartsOfASectorFail) {
  start();
  EXPECT_EQ(request(kIn, 0, 100), 1);
  EXPECT_EQ(request(kOut, 0, 513), 1);
}

TEST_P(BlockTest, ARequestOfNothingSucceeds) {
  start();
  EXPECT_EQ(request(kIn, 0, 0), 0);
}

TEST_P(BlockTest, AnUnknownRequestIsUnsupported) {
  start();
  EXPECT_EQ(request(2, 0, 0), 2);
  EXPECT_EQ(request(0xffff'ffff, 0, 512), 2);
}

TEST_P(BlockTest, ABackendsErrorIsAnIoError) {
  start();
  disk_->error = -EIO;
  EXPECT_EQ(request(kOut, 0, 512), 1);
  EXPECT_EQ(request(kFlush, 0, 0), 1);
  disk_->error = 0;
  EXPECT_EQ(request(kOut, 0, 512), 0);
}

TEST_P(BlockTest, ALogThatBeganMeanwhileHasWhatAFailedRequestWrote) {
  start();
  disk_->hold();
  disk_->error = -EIO;
  header(kIn, 0);
  queue_->add({{kHeader, 16}}, {{kPayload, 512}, {kStatus, 1}});
  driver_->kick(0);
  disk_->wait_for(1);
  machine_.ram().log_writes(true);
  disk_->let_go();
  EXPECT_TRUE(machine_.run_main_loop_until([this] { return status() != kUnset; }));
  const std::vector<u64> pages = machine_.ram().take_written();
  machine_.ram().log_writes(false);
  for (const u64 place : {kStatus, kPayload})
    EXPECT_NE(std::find(pages.begin(), pages.end(), place & kPageMask), pages.end());
}

TEST_P(BlockTest, ARequestWithoutHeaderOrStatusBreaksTheDevice) {
  start();
  const auto breaks = [this] { return (driver_->status() & kDeviceNeedsReset) != 0; };
  queue_->add({{kHeader, 15}}, {{kStatus, 1}});
  driver_->kick(0);
  EXPECT_TRUE(machine_.run_main_loop_until(breaks));
  ASSERT_TRUE(driver_->negotiate(kModern));
  queue_.emplace(machine_.memory(), kRing, 64);
  driver_->set_up_queue(0, *queue_);
  driver_->driver_ok();
  queue_->add({{kHeader, 16}}, {});
  driver_->kick(0);
  EXPECT_TRUE(machine_.run_main_loop_until(breaks));
}

TEST_P(BlockTest, RequestsFinishInAnyOrder) {
  start();
  disk_->hold();
  header(kIn, 0);
  const u16 first = queue_->add({{kHeader, 16}}, {{kPayload, 512}, {kStatus, 1}});
  header(kIn, 1, kHeader + 0x100);
  const u16 second = queue_->add({{kHeader + 0x100, 16}}, {{kPayload, 512}, {kStatus, 1}});
  driver_->kick(0);
  disk_->wait_for(2);
  const auto next_used = [this] {
    std::optional<DriverQueue::Used> used;
    machine_.run_main_loop_until([&] { return (used = queue_->take_used()).has_value(); });
    return used->id;
  };
  disk_->let_go(512);
  EXPECT_EQ(next_used(), second);
  EXPECT_FALSE(queue_->take_used().has_value());
  disk_->let_go(0);
  EXPECT_EQ(next_used(), first);
}

TEST_P(BlockTest, AResetWaitsForWhatIsUnderWay) {
  start();
  disk_->hold();
  header(kIn, 0);
  queue_->add({{kHeader, 16}}, {{kPayload, 512}, {kStatus, 1}});
  driver_->kick(0);
  disk_->wait_for(1);
  std::thread host([this] { disk_->let_go(); });
  driver_->set_status(0);
  EXPECT_NE(status(), kUnset);
  host.join();
}

TEST_P(BlockTest, WithoutAFlushFeatureEveryWriteIsFlushed) {
  start({}, 0);
  EXPECT_EQ(request(kOut, 0, 512), 0);
  EXPECT_EQ(disk_->log(), (std::vector{BlockOp::Write, BlockOp::Flush}));
}

TEST_P(BlockTest, TheDriverSwitchesTheWriteCache) {
  start({}, bit(kFlushFeature) | bit(kWce));
  EXPECT_EQ(driver_->config8(32), 1);
  EXPECT_EQ(request(kOut, 0, 512), 0);
  driver_->set_config8(32, 0);
  EXPECT_EQ(driver_->config8(32), 0);
  EXPECT_EQ(request(kOut, 0, 512), 0);
  EXPECT_EQ(disk_->log(), (std::vector{BlockOp::Write, BlockOp::Write, BlockOp::Flush}));
}

TEST_P(BlockTest, FlushReachesTheBackend) {
  start();
  EXPECT_EQ(request(kFlush, 0, 0), 0);
  EXPECT_EQ(disk_->log(), std::vector{BlockOp::Flush});
}

TEST_P(BlockTest, DiscardsAndWritesZeroes) {
  start();
  std::fill(disk_->bytes.begin(), disk_->bytes.end(), 'f');
  EXPECT_EQ(range(kDiscard, 2, 2), 0);
  EXPECT_EQ(range(kWriteZeroes, 8, 1, 1), 0);
  EXPECT_EQ(disk_->bytes[1024], '\0');
  EXPECT_EQ(disk_->bytes[2048], 'f');
  EXPECT_EQ(disk_->bytes[8 * 512], '\0');
}

TEST_P(BlockTest, BadRangesAreRefused) {
  start();
  EXPECT_EQ(range(kDiscard, kSize / 512, 1), 1);
  EXPECT_EQ(range(kDiscard, ~u64{0}, ~u32{0}), 1);
  EXPECT_EQ(range(kDiscard, 0, 1, 1), 2);
  EXPECT_EQ(range(kWriteZeroes, 0, 1, 2), 2);
  EXPECT_EQ(request(kDiscard, 0, 15), 1);
  EXPECT_EQ(request(kDiscard, 0, 0), 1);
  EXPECT_EQ(request(kWriteZeroes, 0, 16 * 33), 1);
  EXPECT_TRUE(disk_->log().empty());
}

TEST_P(BlockTest, SaysWhatIsDoneAboutFailuresOfTheHost) {
  start({{"werror", "ignore"}});
  ASSERT_NE(disk_->queue(), nullptr);
  EXPECT_EQ(disk_->queue()->describe(), "rerror=report, werror=ignore");
  disk_->error = -EIO;
  EXPECT_EQ(request(kOut, 0, 512), 0);
  EXPECT_EQ(request(kIn, 0, 512), 1);
}

TEST_P(BlockTest, WhatWaitsWhenTheMachineIsSavedIsTriedAgainWhereItGoesOn) {
  const ScratchDirectory directory;
  power_on();
  start({{"werror", "stop"}});
  run();
  disk_->error = -ENOSPC;
  put(kPayload, std::string(512, 'w'));
  header(kOut, 3);
  queue_->add({{kHeader, 16}, {kPayload, 512}}, {{kStatus, 1}});
  driver_->kick(0);
  ASSERT_TRUE(machine_.run_main_loop_until(
      [this] { return machine_.run_control().state() == RunState::Stopped; }));
  save_machine(machine_, directory / "state");

  machine_.run_control().reset();
  disk_->error = 0;
  const std::size_t requests = disk_->log().size();
  load_machine(machine_, directory / "state");
  machine_.run_main_loop();
  EXPECT_EQ(disk_->log().size(), requests) << "before it runs";
  EXPECT_EQ(status(), kUnset);
  machine_.run_control().start();
  EXPECT_TRUE(machine_.run_main_loop_until([this] { return status() != kUnset; }));
  EXPECT_EQ(status(), 0);
  EXPECT_EQ(disk_->bytes.substr(3 * 512, 512), std::string(512, 'w'));
  EXPECT_EQ(queue_->take_used()->length, 1U);
  EXPECT_EQ(request(kIn, 3, 512), 0);
}

TEST_P(BlockTest, ARequestThatIsSaidToWaitAndDoesNotIsRefused) {
  const ScratchDirectory directory;
  power_on();
  start({{"werror", "stop"}});
  run();
  disk_->error = -ENOSPC;
  header(kOut, 3);
  queue_->add({{kHeader, 16}, {kPayload, 512}}, {{kStatus, 1}});
  driver_->kick(0);
  ASSERT_TRUE(machine_.run_main_loop_until(
      [this] { return machine_.run_control().state() == RunState::Stopped; }));
  machine_.memory().store<u64>(kRing, ~u64{0});  // its first descriptor leads nowhere now
  save_machine(machine_, directory / "state");
  machine_.run_control().reset();
  try {
    load_machine(machine_, directory / "state");
    ADD_FAILURE() << "it was loaded";
  } catch (const Error& error) {
    EXPECT_NE(std::string_view(error.what()).find("held: queue 0 has no request at 0"),
              std::string_view::npos)
        << error.what();
  }
}

TEST_P(BlockTest, WithoutAWriteCacheEveryWriteIsOnTheDiskWhenItCompletes) {
  start({{"write-cache", "off"}});
  EXPECT_EQ(driver_->config8(32), 0);
  EXPECT_EQ(request(kOut, 0, 512), 0);
  EXPECT_EQ(disk_->log(), (std::vector{BlockOp::Write, BlockOp::Flush}));
}

TEST_P(BlockTest, GivesItsSerialNumber) {
  start({{"serial", "disk-one"}});
  put(kPayload, std::string(20, '-'));
  EXPECT_EQ(request(kGetId, 0, 20), 0);
  EXPECT_EQ(get(kPayload, 20), std::string("disk-one") + std::string(12, '\0'));
  EXPECT_EQ(request(kGetId, 0, 5), 0);
}

TEST_P(BlockTest, AReadOnlyDiskSaysSoAndKeepsToIt) {
  disk_ = add_node("cdrom", {{"read-only", "on"}});
  start({}, bit(kFlushFeature), "cdrom");
  EXPECT_NE(driver_->device_features() & bit(kRo), 0U);
  EXPECT_EQ(request(kOut, 0, 512), 1);
  EXPECT_EQ(range(kDiscard, 0, 1), 1);
  EXPECT_EQ(request(kIn, 0, 512), 0);
}

TEST_P(BlockTest, SeveralQueuesServeOneDisk) {
  start({{"num-queues", "3"}}, bit(kMq) | bit(kFlushFeature));
  EXPECT_EQ(driver_->config16(34), 3);
  ASSERT_TRUE(driver_->negotiate(kModern | bit(kMq)));
  DriverQueue third(machine_.memory(), kRing, 64);
  driver_->set_up_queue(2, third);
  driver_->driver_ok();
  header(kIn, 0);
  third.add({{kHeader, 16}}, {{kPayload, 512}, {kStatus, 1}});
  driver_->kick(2);
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return third.take_used().has_value(); }));
}

TEST_P(BlockTest, ShowsItsSizeAndLimits) {
  start();
  EXPECT_EQ(driver_->config64(0), kSize / 512);
  EXPECT_EQ(driver_->config32(12), 254U);
  EXPECT_EQ(driver_->config32(20), 512U);
}

TEST_P(BlockTest, RefusesWhatItCannotUse) {
  EXPECT_THROW(add("virtio-blk-pci"), Error);
  EXPECT_THROW(add("virtio-blk-pci", {{"drive", "nosuch"}}), Error);
  EXPECT_THROW(add("virtio-blk-pci", {{"drive", "disk0"}, {"num-queues", "0"}}), Error);
  EXPECT_THROW(add("virtio-blk-pci", {{"drive", "disk0"}, {"queue-size", "3"}}), Error);
  EXPECT_THROW(add("virtio-blk-pci", {{"drive", "disk0"}, {"queue-size", "2048"}}), Error);
  EXPECT_THROW(add("virtio-blk-pci", {{"drive", "disk0"}, {"serial", "123456789012345678901"}}),
               Error);
  add("virtio-blk-pci", {{"drive", "disk0"}});
  EXPECT_THROW(machine_.add_device("virtio-blk-pci", "", "", {{"drive", "disk0"}}), Error);
}

TEST_P(BlockTest, WhatARequestUsesStaysUntilThatIsDone) {
  constexpr u64 kElsewhere = 0x4000'0000;
  start();
  auto block = std::make_shared<RamBlock>("elsewhere", 64_KiB);
  const std::weak_ptr<RamBlock> there = block;
  auto region = MemoryRegion::ram("elsewhere", std::move(block), 0, 64_KiB);
  machine_.memory_root().add_subregion(kElsewhere, *region);
  disk_->hold();
  header(kIn, 0);
  queue_->add({{kHeader, 16}}, {{kElsewhere, 512}, {kStatus, 1}});
  driver_->kick(0);
  disk_->wait_for(1);
  region.reset();  // it is pulled out
  header(kIn, 1, kHeader + 0x100);
  queue_->add({{kHeader + 0x100, 16}}, {{kPayload, 512}, {kStatus, 1}});
  driver_->kick(0);
  disk_->wait_for(2);
  EXPECT_FALSE(there.expired()) << "the first is still under way";
  disk_->let_go();
  EXPECT_TRUE(
      machine_.run_main_loop_until([&] { return queue_->used_index() == 2 && there.expired(); }));
}

TEST_P(BlockTest, AChainThatIsUnderWayIsNotTakenAgain) {
  start();
  disk_->hold();
  header(kIn, 0);
  const u16 head = queue_->add({{kHeader, 16}}, {{kPayload, 512}, {kStatus, 1}});
  driver_->kick(0);
  disk_->wait_for(1);
  queue_->make_available(head);
  driver_->kick(0);
  EXPECT_TRUE(machine_.run_main_loop_until(
      [&] { return (driver_->status() & virtio::kDeviceNeedsReset) != 0; }));
  disk_->let_go();
}

class IoThreadBlockTest : public BlockTest {
 protected:
  // Has a request carried out, which leaves its interrupt to be raised under the machine lock: this
  // thread has that all the time.
  void done_but_not_told() {
    start();
    header(kOut, 0);
    queue_->add({{kHeader, 16}, {kPayload, 512}}, {{kStatus, 1}});
    driver_->kick(0);
    wait_until([this] { return status() != kUnset; });
    // Whoever gets its lock finds it through with what wrote the status.
    auto& thread = dynamic_cast<IoThread&>(*machine_.find("/backends/io0"));
    const IoContext::Guard lock(thread);
  }
  // Without giving the machine lock up.
  template <class Condition>
  static void wait_until(Condition holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!holds() && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
    EXPECT_TRUE(holds());
  }
};
INSTANTIATE_TEST_SUITE_P(, IoThreadBlockTest, ::testing::Values(true));

TEST_P(IoThreadBlockTest, TheMachineLockIsNobodysBusiness) {
  start();
  disk_->hold();
  header(kOut, 0);
  queue_->add({{kHeader, 16}, {kPayload, 512}}, {{kStatus, 1}});
  driver_->kick(0);
  disk_->wait_for(1);
  disk_->let_go();
  wait_until([this] { return status() != kUnset; });
  EXPECT_EQ(status(), 0);
}

TEST_P(IoThreadBlockTest, RestsWhileTheMachineIsStopped) {
  start();
  machine_.run_control().stop();
  disk_->hold();  // what is taken now stays in flight
  header(kOut, 0);
  queue_->add({{kHeader, 16}, {kPayload, 512}}, {{kStatus, 1}});
  driver_->kick(0);
  // The second is posted after a round in which it has looked at the kick.
  for (int round = 0; round < 2; ++round) {
    std::atomic<bool> looked{false};
    dynamic_cast<IoThread&>(*machine_.find("/backends/io0")).post([&] { looked = true; });
    wait_until([&] { return looked.load(); });
  }
  EXPECT_EQ(function_->device().queue(0)->in_flight(), 0U);
  disk_->let_go();
  machine_.run_control().start();
  EXPECT_TRUE(machine_.run_main_loop_until([this] { return status() != kUnset; }));
}

TEST_P(IoThreadBlockTest, TheThreadStaysAsLongAsItIsUsed) {
  start();
  EXPECT_THROW(backends_.remove("io0"), Error);
  EXPECT_EQ(request(kOut, 0, 512), 0);
}

TEST_P(IoThreadBlockTest, TheInterruptIsInWhatIsSaved) {
  const ScratchDirectory directory;
  done_but_not_told();
  save_machine(machine_, directory / "state");
  load_machine(machine_, directory / "state");
  EXPECT_EQ(driver_->isr() & kIsrQueue, kIsrQueue);
}

TEST_P(IoThreadBlockTest, NoInterruptComesAfterAReset) {
  done_but_not_told();
  driver_->set_status(0);
  machine_.run_main_loop();
  EXPECT_EQ(driver_->isr() & kIsrQueue, 0);
}

TEST_P(IoThreadBlockTest, AResetEndsWhatWasKicked) {
  start();
  header(kIn, 0);
  queue_->add({{kHeader, 16}}, {{kPayload, 512}, {kStatus, 1}});
  driver_->kick(0);
  driver_->set_status(0);
  const u8 before = status();
  machine_.run_main_loop();
  EXPECT_EQ(status(), before) << "after the reset";
}

}  // namespace
}  // namespace backplane::testing
