// SPDX-License-Identifier: MIT
#include <sys/mman.h>

#include "virtio_machine.h"

namespace backplane::testing {
namespace {

using namespace virtio;

constexpr unsigned kStatsVq = 1;
constexpr unsigned kDeflateOnOom = 2;
constexpr unsigned kPageReporting = 5;

class BalloonTest : public VirtioTest {
 protected:
  void start(const Properties& properties = {}, u64 features = 0) {
    proxy_ = &add("virtio-balloon-pci", properties);
    driver_.emplace(machine_, kSlot);
    ASSERT_TRUE(driver_->negotiate(kModern | features));
    for (unsigned i = 0; i < driver_->common16(kNumQueues); ++i) {
      queues_.emplace_back(machine_.memory(), kRing + 0x10000 * u64{i}, 16);
      driver_->set_up_queue(i, queues_.back());
    }
    driver_->driver_ok();
  }
  // What managers do.
  void set_target(u64 bytes) {
    machine_.call(proxy_->device(), "balloon", Value::Record{{"value", bytes}});
  }
  // What it has for the guest's memory, in MiB, and the guest's statistics.
  std::string info() {
    const Value known = machine_.call(proxy_->device(), "query-balloon");
    const Value* const statistics = known.find("statistics");
    return fmt::format("{}\n{}", known.find("actual")->as_unsigned() / 1_MiB,
                       statistics != nullptr ? to_text(*statistics) : "");
  }
  bool resident(u64 address) {
    unsigned char page = 0;
    mincore(machine_.ram().host() + address, 4096, &page);
    return (page & 1) != 0;
  }
  void send_pages(unsigned queue, const std::vector<u32>& pages) {
    machine_.memory().write(kData, pages.data(), pages.size() * 4);
    queues_[queue].add({{kData, static_cast<u32>(pages.size() * 4)}}, {});
    driver_->kick(queue);
    EXPECT_TRUE(queues_[queue].take_used().has_value());
  }

  VirtioPci* proxy_ = nullptr;
  std::optional<VirtioPciDriver> driver_;
  std::vector<DriverQueue> queues_;
};

TEST_F(BalloonTest, InflatingGivesPagesBackToTheHost) {
  start();
  std::vector<u32> pages;
  for (const u32 page : {0x802U, 0x800U, 0x801U, 0x900U}) {
    machine_.memory().store<u32>(u64{page} << 12, 0x1234);
    pages.push_back(page);
  }
  machine_.memory().store<u32>(0x80'3000, 0x1234);
  send_pages(0, pages);
  for (const u32 page : pages) {
    EXPECT_FALSE(resident(u64{page} << 12)) << page;
    EXPECT_EQ(machine_.memory().load<u32>(u64{page} << 12), 0U) << page;
  }
  EXPECT_EQ(machine_.memory().load<u32>(0x80'3000), 0x1234U);
  send_pages(1, pages);  // deflate
}

TEST_F(BalloonTest, PagesThatAreNotRamAreIgnored) {
  start();
  send_pages(0, {0xffff'ffff, 0xe0000, 0x1000, 0x800, 0x800, 0xffff'fffe});
  EXPECT_FALSE(resident(0x80'0000));
}

TEST_F(BalloonTest, ARequestWithAnOddTailIsTakenAsFarAsItGoes) {
  start();
  queues_[0].add({{kData, 7}}, {});
  driver_->kick(0);
  EXPECT_TRUE(queues_[0].take_used().has_value());
}

TEST_F(BalloonTest, TheTargetIsShownAndTheGuestsAnswerKept) {
  start();
  set_target(12_MiB);
  EXPECT_EQ(driver_->config32(0), 4_MiB >> 12);
  EXPECT_EQ(driver_->isr(), kIsrConfig);
  EXPECT_EQ(info(), "16\n");
  driver_->set_config32(4, 1_MiB >> 12);
  EXPECT_EQ(driver_->config32(4), 1_MiB >> 12);
  EXPECT_EQ(info(), "15\n");
  driver_->set_config32(4, 0xffff'ffff);
  EXPECT_EQ(info(), "0\n");
  driver_->set_config32(0, 7);  // not the driver's to write
  EXPECT_EQ(driver_->config32(0), 4_MiB >> 12);
  set_target(~u64{0});
  EXPECT_EQ(driver_->config32(0), 0U);
}

TEST_F(BalloonTest, AGuestKeepsSomeMemory) {
  start();
  EXPECT_THROW(set_target(0), Error);
}

TEST_F(BalloonTest, WhatTheGuestGaveIsToldAtOnceAndThenOnceASecond) {
  start();
  std::vector<u64> told;
  const Subscription events =
      machine_.events().subscribe([&](const EventType& type, const Value& data) {
        EXPECT_EQ(type.name, "BALLOON_CHANGE");
        told.push_back(data.find("actual")->as_unsigned());
      });
  for (const u32 pages : {256U, 256U, 512U, 0U}) driver_->set_config32(4, pages);
  EXPECT_EQ(told, (std::vector<u64>{15_MiB}));
  EXPECT_TRUE(machine_.run_main_loop_until([&] { return told.size() > 1; }));
  EXPECT_EQ(told, (std::vector<u64>{15_MiB, 16_MiB}));
}

TEST_F(BalloonTest, StatisticsAreAskedForAtIntervals) {
  start({{"guest-stats-polling-interval", "2"}}, bit(kStatsVq));
  // tag 4: free memory, 5: total memory, 0x7fff: unknown
  const std::string stats("\4\0\0\0\1\0\0\0\0\0\5\0\0\0\2\0\0\0\0\0\xff\x7f\1\1\1\1\1\1\1\1", 30);
  put(kData, stats);
  queues_[2].add({{kData, 30}}, {});
  driver_->kick(2);
  EXPECT_EQ(info(), "16\nfree-memory: 65536\ntotal-memory: 131072\n");
  const Value known = proxy_->get_value("guest-stats");
  EXPECT_EQ(*known.find("stats")->find("stat-free-memory"), Value(65536));
  EXPECT_EQ(*known.find("stats")->find("stat-swap-in"), Value(~u64{0})) << "unknown";
  EXPECT_GT(known.find("last-update")->as_signed(), 0);
  machine_.advance_time(1);  // the first request comes at once
  EXPECT_TRUE(queues_[2].take_used().has_value());
  queues_[2].add({{kData, 10}}, {});
  driver_->kick(2);
  EXPECT_EQ(info(), "16\nfree-memory: 65536\n");
  machine_.advance_time(1'900'000'000);
  EXPECT_FALSE(queues_[2].take_used().has_value());
  machine_.advance_time(200'000'000);
  EXPECT_TRUE(queues_[2].take_used().has_value());
  proxy_->set_property("guest-stats-polling-interval", "0");
  EXPECT_EQ(proxy_->get_property("guest-stats-polling-interval"), "0");
}

TEST_F(BalloonTest, AResetForgetsTheStatisticsBuffer) {
  start({}, bit(kStatsVq));
  queues_[2].add({{kData, 10}}, {});
  driver_->kick(2);
  driver_->set_status(0);
  proxy_->set_property("guest-stats-polling-interval", "1");
  machine_.advance_time(3'000'000'000);
  EXPECT_FALSE(queues_[2].take_used().has_value());
}

TEST_F(BalloonTest, OffersWhatItsPropertiesSay) {
  start({{"deflate-on-oom", "on"}, {"free-page-reporting", "on"}});
  const u64 features = driver_->device_features();
  EXPECT_NE(features & bit(kDeflateOnOom), 0U);
  EXPECT_NE(features & bit(kPageReporting), 0U);
  EXPECT_EQ(driver_->common16(kNumQueues), 4);
}

TEST_F(BalloonTest, ReportedPagesGoBackToTheHost) {
  start({{"free-page-reporting", "on"}}, bit(kPageReporting));
  machine_.memory().fill(0x80'0000, 0x55, 0x3000);
  queues_[3].add({}, {{0x80'0800, 0x2000}});
  driver_->kick(3);
  EXPECT_TRUE(queues_[3].take_used().has_value());
  EXPECT_TRUE(resident(0x80'0000)) << "only whole pages";
  EXPECT_FALSE(resident(0x80'1000));
  EXPECT_TRUE(resident(0x80'2000));
}

TEST_F(BalloonTest, AMachineHasOne) {
  add("virtio-balloon-pci");
  try {
    machine_.add_device("virtio-balloon-pci", "", "", {});
    FAIL() << "a second balloon";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("has a balloon already"), std::string::npos);
  }
}

}  // namespace
}  // namespace backplane::testing
