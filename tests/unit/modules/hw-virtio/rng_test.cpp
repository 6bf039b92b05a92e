// SPDX-License-Identifier: MIT
#include "backplane/backend.h"
#include "virtio_machine.h"

namespace backplane::testing {
namespace {

class RngTest : public VirtioTest {
 protected:
  void start(const Properties& properties = {}) {
    add("virtio-rng-pci", properties);
    driver_.emplace(machine_, kSlot);
    ASSERT_TRUE(driver_->negotiate(kModern));
    queue_.emplace(machine_.memory(), kRing, 8);
    driver_->set_up_queue(0, *queue_);
    driver_->driver_ok();
  }

  Backends& backends_ = machine_.add_child("backends", std::make_unique<Backends>(machine_));
  static constexpr Kind kSources{
      .base = "backend", .prefix = "", .suffix = "", .noun = "backend", .option = "-object"};

  std::optional<VirtioPciDriver> driver_;
  std::optional<DriverQueue> queue_;
};

TEST_F(RngTest, FillsBuffersWithBytesThatDiffer) {
  start();
  queue_->add({}, {{kData, 64}});
  queue_->add({}, {{kData + 0x1000, 64}});
  driver_->kick(0);
  EXPECT_EQ(queue_->take_used()->length, 64U);
  EXPECT_EQ(queue_->take_used()->length, 64U);
  EXPECT_NE(get(kData, 64), get(kData + 0x1000, 64));
}

TEST_F(RngTest, ABufferToReadGetsNothing) {
  start();
  queue_->add({{kData, 64}}, {});
  driver_->kick(0);
  EXPECT_EQ(queue_->take_used()->length, 0U);
}

TEST_F(RngTest, AHugeBufferGetsSome) {
  start();
  queue_->add({}, {{0x40'0000, 0x80'0000}});
  driver_->kick(0);
  EXPECT_EQ(queue_->take_used()->length, 4096U);
}

TEST_F(RngTest, GivesOutNoMoreThanItsQuota) {
  start({{"max-bytes", "100"}, {"period", "1000"}});
  for (unsigned i = 0; i < 4; ++i) queue_->add({}, {{kData, 64}});
  driver_->kick(0);
  EXPECT_EQ(queue_->take_used()->length, 64U);
  EXPECT_EQ(queue_->take_used()->length, 36U);
  EXPECT_FALSE(queue_->take_used().has_value());
  machine_.advance_time(999'000'000);
  EXPECT_FALSE(queue_->take_used().has_value());
  machine_.advance_time(2'000'000);
  EXPECT_EQ(queue_->take_used()->length, 64U);
}

TEST_F(RngTest, AQuotaOfNothingIsAnError) {
  EXPECT_THROW(add("virtio-rng-pci", {{"max-bytes", "0"}}), Error);
  EXPECT_THROW(add("virtio-rng-pci", {{"period", "0"}}), Error);
}

TEST_F(RngTest, TakesItsBytesFromWhatItIsGiven) {
  backends_.add(kSources, "rng-random", "zero", {{"filename", "/dev/zero"}});
  start({{"rng", "zero"}});
  put(kData, "something");
  queue_->add({}, {{kData, 9}});
  driver_->kick(0);
  EXPECT_EQ(queue_->take_used()->length, 9U);
  EXPECT_EQ(get(kData, 9), std::string(9, '\0'));
}

TEST_F(RngTest, TheHostsGeneratorCanBeNamed) {
  backends_.add(kSources, "rng-builtin", "host", {});
  start({{"rng", "host"}});
  queue_->add({}, {{kData, 64}});
  driver_->kick(0);
  EXPECT_NE(get(kData, 64), std::string(64, '\0'));
}

TEST_F(RngTest, AFileIsNoSource) {
  EXPECT_THROW(backends_.add(kSources, "rng-random", "file", {{"filename", "/proc/self/exe"}}),
               Error);
  EXPECT_THROW(backends_.add(kSources, "rng-random", "none", {{"filename", "/nonexistent"}}),
               Error);
}

}  // namespace
}  // namespace backplane::testing
