// SPDX-License-Identifier: MIT
#include "block/completion_queue.h"

#include <utility>

namespace backplane {

namespace {

// A busy disk must not keep the loop from everything else.
constexpr unsigned kBatch = 256;

}  // namespace

void CompletionQueue::finish(Done done, int result) {
  bool wake;
  {
    const std::lock_guard lock(mutex_);
    finished_.push_back({std::move(done), result});
    wake = !std::exchange(posted_, true);
  }
  arrived_.notify_one();
  if (wake) loop_.post([self = shared_from_this()] { self->run(); });
}

bool CompletionQueue::next(Finished& finished, bool wait) {
  std::unique_lock lock(mutex_);
  if (wait) arrived_.wait(lock, [this] { return !finished_.empty(); });
  if (finished_.empty()) {
    posted_ = false;
    return false;
  }
  finished = std::move(finished_.front());
  finished_.pop_front();
  return true;
}

void CompletionQueue::complete(Finished& finished) {
  // First: `done` may wait for all the others.
  --in_flight_;
  if (finished.done) finished.done(finished.result);
}

void CompletionQueue::run() {
  Finished finished;
  for (unsigned count = 0; !closed_ && next(finished, false); ++count) {
    complete(finished);
    if (count == kBatch) {
      // Others get their turn; posted_ stays set.
      loop_.post([self = shared_from_this()] { self->run(); });
      return;
    }
  }
}

void CompletionQueue::run_all() {
  Finished finished;
  while (!closed_ && in_flight_ != 0 && next(finished, true)) complete(finished);
}

void CompletionQueue::close() { closed_ = true; }

}  // namespace backplane
