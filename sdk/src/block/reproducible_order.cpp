// SPDX-License-Identifier: MIT
#include "block/reproducible_order.h"

#include <algorithm>
#include <utility>

namespace backplane {

namespace {

// What a request takes, in virtual nanoseconds: about as long as a fast disk needs for it.
constexpr i64 kLatency = 50'000;

i64 duration_of(const BlockRequest& request) {
  const bool transfers = request.op == BlockOp::Read || request.op == BlockOp::Write;
  return kLatency + (transfers ? static_cast<i64>(request.size) : 0);
}

}  // namespace

ReproducibleOrder::ReproducibleOrder(Clock& virtual_clock, std::unique_ptr<RequestStage> next)
    : clock_(virtual_clock), next_(std::move(next)), timer_(virtual_clock, [this] { expire(); }) {}

void ReproducibleOrder::submit(BlockRequest request) {
  const auto pending = std::make_shared<Pending>();
  pending->due = idle_at_ = std::max(clock_.now(), idle_at_) + duration_of(request);
  pending->done = std::move(request.done);
  request.done = [pending](int result) {
    pending->result = result;
    pending->finished = true;
  };
  pending_.push_back(pending);
  next_->submit(std::move(request));
  if (!timer_.armed()) timer_.arm_at(pending_.front()->due);
}

void ReproducibleOrder::expire() {
  const i64 now = clock_.now();
  while (!pending_.empty() && pending_.front()->due <= now) complete_first();
  if (!pending_.empty()) timer_.arm_at(pending_.front()->due);
}

void ReproducibleOrder::complete_first() {
  // The guest's time must not go on without what it holds for done.
  if (!pending_.front()->finished) next_->drain();
  const std::shared_ptr<Pending> first = std::move(pending_.front());
  pending_.pop_front();
  if (first->done) first->done(first->result);
}

void ReproducibleOrder::drain() {
  while (!pending_.empty()) complete_first();
  timer_.cancel();
}

}  // namespace backplane
