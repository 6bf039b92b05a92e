// SPDX-License-Identifier: MIT
// Completions at virtual times, whatever the host does.
#include "block/reproducible_order.h"

#include <gtest/gtest.h>

#include <deque>

#include "backplane/testing/test_machine.h"

namespace backplane {
namespace {

// Carries requests out when it is told to, or waited for.
class SlowStage final : public RequestStage {
 public:
  void submit(BlockRequest request) override { requests.push_back(std::move(request)); }
  void drain() override {
    ++waited_for;
    while (!requests.empty()) carry_out_last();
  }

  void carry_out_last(int result = 0) {
    const BlockRequest request = std::move(requests.back());
    requests.pop_back();
    request.done(result);
  }

  std::deque<BlockRequest> requests;
  unsigned waited_for = 0;
};

class ReproducibleOrderTest : public ::testing::Test {
 protected:
  ReproducibleOrderTest() {
    auto slow = std::make_unique<SlowStage>();
    slow_ = slow.get();
    order_ = std::make_unique<ReproducibleOrder>(machine_.virtual_clock(), std::move(slow));
    machine_.power_on();
  }
  ~ReproducibleOrderTest() override { order_->drain(); }

  void read(u64 size, char name) {
    order_->submit({.op = BlockOp::Read, .size = size, .iov = {}, .done = [this, name](int result) {
                      log_ += name;
                      if (result != 0) log_ += '!';
                      times_.push_back(machine_.virtual_clock().now());
                    }});
  }

  testing::TestMachine machine_;
  SlowStage* slow_ = nullptr;
  std::unique_ptr<RequestStage> order_;
  std::string log_;
  std::vector<i64> times_;
};

TEST_F(ReproducibleOrderTest, AFastHostWaitsForTheGuestsTime) {
  read(4096, 'a');
  slow_->carry_out_last();
  EXPECT_EQ(log_, "");
  machine_.advance_time(54'095);
  EXPECT_EQ(log_, "");
  machine_.advance_time(1);
  EXPECT_EQ(log_, "a");
  EXPECT_EQ(slow_->waited_for, 0u);
}

TEST_F(ReproducibleOrderTest, TheGuestsTimeWaitsForASlowHost) {
  read(4096, 'a');
  machine_.advance_time(1'000'000);
  EXPECT_EQ(log_, "a");
  EXPECT_EQ(slow_->waited_for, 1u);
  EXPECT_EQ(times_, std::vector<i64>{54'096});
}

TEST_F(ReproducibleOrderTest, CompletionsComeInOrderAndKeepTheirResults) {
  read(1000, 'a');
  machine_.advance_time(10'000);
  read(2000, 'b');
  read(0, 'c');
  slow_->carry_out_last();    // c
  slow_->carry_out_last(-5);  // b
  slow_->carry_out_last();    // a
  machine_.advance_time(1'000'000);
  EXPECT_EQ(log_, "ab!c");
  EXPECT_EQ(times_, (std::vector<i64>{51'000, 103'000, 153'000}));
  EXPECT_EQ(slow_->waited_for, 0u);
}

TEST_F(ReproducibleOrderTest, ARequestOfACompletionTakesItsOwnTime) {
  order_->submit({.op = BlockOp::Write, .done = [this](int) {
                    log_ += 'w';
                    order_->submit({.op = BlockOp::Flush, .done = [this](int) { log_ += 'f'; }});
                  }});
  machine_.advance_time(60'000);
  EXPECT_EQ(log_, "w");
  machine_.advance_time(40'000);
  EXPECT_EQ(log_, "wf");
}

TEST_F(ReproducibleOrderTest, DrainCompletesEverythingAtOnce) {
  read(1000, 'a');
  read(1000, 'b');
  order_->drain();
  EXPECT_EQ(log_, "ab");
  machine_.advance_time(1'000'000);
  EXPECT_EQ(log_, "ab");
}

}  // namespace
}  // namespace backplane
