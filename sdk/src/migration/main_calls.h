// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <exception>
#include <memory>
#include <mutex>

#include "backplane/error.h"
#include "backplane/main_loop.h"

namespace backplane {

// Has the main loop do things for a thread that waits for each. The thread holds no lock that the
// main loop needs. Whoever ends the thread abandons this first: then nothing more is done.
class MainCalls final : public std::enable_shared_from_this<MainCalls> {
 public:
  explicit MainCalls(MainLoop& loop) : loop_(loop) {}

  // Runs fn on the main loop's thread, with the machine lock, and waits. What fn throws is thrown;
  // Error, if it was abandoned.
  template <class Fn>
  void run(Fn fn) {
    struct Call {
      bool done = false;
      std::exception_ptr failure;
    };
    const auto call = std::make_shared<Call>();
    loop_.post([self = shared_from_this(), call, &fn] {
      // Whoever abandons this does so here: then `fn` is gone, and else it waits.
      if (self->abandoned()) return;
      try {
        fn();
      } catch (...) {
        call->failure = std::current_exception();
      }
      const std::lock_guard lock(self->mutex_);
      call->done = true;
      self->answered_.notify_all();
    });
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [&] { return call->done || abandoned_; });
    if (!call->done) throw Error("the program ends");
    if (call->failure) std::rethrow_exception(call->failure);
  }

  // Main loop's thread.
  void abandon() {
    {
      const std::lock_guard lock(mutex_);
      abandoned_ = true;
    }
    answered_.notify_all();
  }
  // Any thread.
  bool abandoned() const {
    const std::lock_guard lock(mutex_);
    return abandoned_;
  }

 private:
  MainLoop& loop_;
  mutable std::mutex mutex_;  // nothing is taken inside
  std::condition_variable answered_;
  bool abandoned_ = false;
};

}  // namespace backplane
