// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>

#include "backplane/io_context.h"

namespace backplane {

// Requests that have been carried out, on their way to the loop of their queue, where their `done`
// runs. However many arrive while the loop is busy, they wake it once.
class CompletionQueue : public std::enable_shared_from_this<CompletionQueue> {
 public:
  using Done = std::function<void(int)>;

  explicit CompletionQueue(IoContext& loop) : loop_(loop) {}

  // A request is under way. With the loop's lock.
  void expect() { ++in_flight_; }
  // It is finished. Any thread.
  void finish(Done done, int result);
  // Runs what has finished. With the loop's lock.
  void run();
  // Runs what finishes until nothing is under way. With the loop's lock. May be called by a `done`.
  void run_all();
  // What finishes from now on is forgotten. With the loop's lock.
  void close();

 private:
  struct Finished {
    Done done;
    int result;
  };
  // The next one that has finished, waiting for one if `wait`; false if there is none.
  bool next(Finished& finished, bool wait);
  void complete(Finished& finished);

  IoContext& loop_;
  std::size_t in_flight_ = 0;  // the loop's lock
  bool closed_ = false;        // the same
  std::mutex mutex_;           // inside the loop's lock
  std::condition_variable arrived_;
  std::deque<Finished> finished_;
  bool posted_ = false;  // the loop will call run()
};

}  // namespace backplane
