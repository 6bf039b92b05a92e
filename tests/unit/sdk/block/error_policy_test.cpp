// SPDX-License-Identifier: MIT
// What becomes of requests that the host fails to carry out.
#include "block/error_policy.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <system_error>

#include "backplane/block_queue.h"

namespace backplane {
namespace {

class SmallNode final : public BlockNode {
 public:
  u64 size() const override { return 1_MiB; }
  std::string explain(int result) const override {
    return std::generic_category().message(-result);
  }

 protected:
  int do_read(u64, std::span<const iovec>) override { return 0; }
  int do_write(u64, std::span<const iovec>) override { return 0; }
};

// Answers every request at once, with what it is told to.
class FailingStage final : public RequestStage {
 public:
  explicit FailingStage(const BlockNode& node) : node_(node) {}
  void submit(BlockRequest request) override {
    tried.push_back(request.op);
    const int refusal = check_request(node_, request);
    request.done(refusal != 0 ? refusal : -error);
  }
  void drain() override {}

  int error = 0;
  std::vector<BlockOp> tried;

 private:
  const BlockNode& node_;
};

class ErrorPolicyTest : public ::testing::Test {
 protected:
  ErrorPolicyTest() { act({}); }

  void act(ErrorActions actions) {
    auto inner = std::make_unique<FailingStage>(node_);
    host_ = inner.get();
    stops_ = 0;
    policy_ = std::make_unique<ErrorPolicy>(
        node_, actions, [this] { ++stops_; },
        [this](const Value& failure) { told_.push_back(failure); }, std::move(inner));
  }
  // Submits one request while the host fails with `error`; what it is answered with is in answers_.
  void run(BlockOp op, int error, u64 offset = 0) {
    host_->error = error;
    answers_.clear();
    told_.clear();
    BlockRequest request{.op = op, .offset = offset, .size = 512};
    if (op == BlockOp::Read || op == BlockOp::Write) request.iov = {{data_, sizeof data_}};
    request.done = [this](int result) { answers_.push_back(result); };
    testing::internal::CaptureStderr();
    policy_->submit(std::move(request));
    said_ = testing::internal::GetCapturedStderr();
  }

  Object root_;
  const BlockNode& node_ = root_.add_child("disk0", std::make_unique<SmallNode>());
  FailingStage* host_ = nullptr;
  std::unique_ptr<ErrorPolicy> policy_;
  unsigned stops_ = 0;
  std::vector<Value> told_;
  std::vector<int> answers_;
  std::string said_;
  u8 data_[512] = {};
};

using Answers = std::vector<int>;

TEST_F(ErrorPolicyTest, WhatSucceedsIsLeftAlone) {
  for (const BlockOp op : {BlockOp::Read, BlockOp::Write, BlockOp::Flush}) {
    run(op, 0);
    EXPECT_EQ(answers_, Answers{0});
    EXPECT_EQ(said_, "");
  }
  EXPECT_EQ(policy_->describe(), "rerror=report, werror=enospc");
}

struct Row {
  ErrorAction action;
  int error;
  Answers answers;  // none: it waits
};
class EveryAction : public ErrorPolicyTest, public ::testing::WithParamInterface<Row> {};

TEST_P(EveryAction, IsTakenForEveryKindOfRequest) {
  const Row& row = GetParam();
  for (const BlockOp op :
       {BlockOp::Read, BlockOp::Write, BlockOp::Flush, BlockOp::Discard, BlockOp::WriteZeroes}) {
    act(op == BlockOp::Read ? ErrorActions{row.action, ErrorAction::Auto}
                            : ErrorActions{ErrorAction::Auto, row.action});
    run(op, row.error);
    EXPECT_EQ(answers_, row.answers);
    EXPECT_EQ(stops_, row.answers.empty() ? 1U : 0U);
    EXPECT_NE(said_.find("drive disk0: a "), std::string::npos) << said_;
    ASSERT_EQ(told_.size(), 1U);
    EXPECT_NO_THROW(check(record_of(kBlockErrorMembers), told_[0]));
    EXPECT_EQ(told_[0].find("device")->as_string(), "disk0");
    EXPECT_EQ(told_[0].find("operation")->as_string(), op == BlockOp::Read ? "read" : "write");
    EXPECT_EQ(told_[0].find("action")->as_string(), row.answers.empty()         ? "stop"
                                                    : row.answers == Answers{0} ? "ignore"
                                                                                : "report");
    EXPECT_EQ(told_[0].find("nospace")->as_bool(), row.error != EIO);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Actions, EveryAction,
    ::testing::Values(Row{ErrorAction::Report, EIO, {-EIO}},
                      Row{ErrorAction::Report, ENOSPC, {-ENOSPC}},
                      Row{ErrorAction::Ignore, EIO, {0}}, Row{ErrorAction::Ignore, ENOSPC, {0}},
                      Row{ErrorAction::Stop, EIO, {}}, Row{ErrorAction::Stop, ENOSPC, {}},
                      Row{ErrorAction::Enospc, EIO, {-EIO}}, Row{ErrorAction::Enospc, EDQUOT, {}},
                      Row{ErrorAction::Enospc, ENOSPC, {}}));

TEST_F(ErrorPolicyTest, AFullDiskStopsWritesAndABrokenOneDoesNot) {
  run(BlockOp::Write, EIO);
  EXPECT_EQ(answers_, Answers{-EIO});
  run(BlockOp::Read, ENOSPC);
  EXPECT_EQ(answers_, Answers{-ENOSPC});
  EXPECT_EQ(stops_, 0U);
  run(BlockOp::Write, ENOSPC);
  EXPECT_EQ(answers_, Answers{});
  EXPECT_EQ(stops_, 1U);
}

TEST_F(ErrorPolicyTest, WhatWaitedIsTriedAgainUntilItSucceeds) {
  run(BlockOp::Write, ENOSPC);
  run(BlockOp::Flush, ENOSPC);
  EXPECT_EQ(said_, "") << "told once for each stop";
  EXPECT_EQ(stops_, 1U);
  EXPECT_NE(
      policy_->describe().find(", 2 failed, the last a flush: No space left on device, 2 wait"),
      std::string::npos)
      << policy_->describe();

  policy_->retry();
  EXPECT_EQ(answers_, Answers{});
  EXPECT_EQ(stops_, 2U);

  host_->error = 0;
  host_->tried.clear();
  policy_->retry();
  EXPECT_EQ(host_->tried, (std::vector<BlockOp>{BlockOp::Write, BlockOp::Flush}));
  EXPECT_EQ(answers_, (Answers{0, 0}));
  EXPECT_EQ(policy_->describe().find("wait"), std::string::npos);
  host_->tried.clear();
  policy_->retry();
  EXPECT_TRUE(host_->tried.empty());
}

TEST_F(ErrorPolicyTest, WhatWaitsWhenItIsDrainedHasFailed) {
  run(BlockOp::Write, ENOSPC);
  policy_->drain();
  EXPECT_EQ(answers_, Answers{-ENOSPC});
  policy_->retry();
  EXPECT_EQ(answers_, Answers{-ENOSPC});
}

TEST_F(ErrorPolicyTest, WhatIsHeldIsDoneWhenTheMachineGoesOn) {
  policy_->hold({.op = BlockOp::Flush, .done = [this](int result) { answers_.push_back(result); }});
  policy_->settle();
  EXPECT_TRUE(host_->tried.empty());
  EXPECT_EQ(answers_, Answers{});
  policy_->retry();
  EXPECT_EQ(host_->tried, std::vector{BlockOp::Flush});
  EXPECT_EQ(answers_, Answers{0});
}

TEST_F(ErrorPolicyTest, WhatIsReportedIsToldOnceForEachReason) {
  run(BlockOp::Read, EIO, 512);
  EXPECT_NE(said_.find("drive disk0: a read of 512 bytes at 512 failed: Input/output error; the "
                       "guest is told"),
            std::string::npos)
      << said_;
  run(BlockOp::Write, EIO);
  EXPECT_EQ(said_, "");
  run(BlockOp::Read, ENXIO);
  EXPECT_NE(said_.find("No such device or address"), std::string::npos);
}

TEST_F(ErrorPolicyTest, TheGuestsMistakesAreNoFailuresOfTheHost) {
  act({ErrorAction::Stop, ErrorAction::Stop});
  run(BlockOp::Write, 0, 1_MiB);
  EXPECT_EQ(answers_, Answers{-EINVAL});
  EXPECT_EQ(stops_, 0U);
  EXPECT_EQ(said_, "");
}

}  // namespace
}  // namespace backplane
