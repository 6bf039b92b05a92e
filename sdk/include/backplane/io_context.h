// SPDX-License-Identifier: MIT
// Where the queues of a device are served: a thread with an event loop, and a lock that all it runs
// is run with. The main loop is one, whose lock is the machine lock; an IoThread is another, for
// devices that move data while the machine lock is somebody else's.
//
// Lock order: the machine lock, then that of one I/O thread. What runs with an I/O thread's lock
// alone never takes the machine lock: it leaves what has to be done under that to with_machine().
#pragma once

#include <functional>
#include <memory>

#include "backplane/types.h"

namespace backplane {

class IoContext {
 public:
  enum Condition : unsigned { kReadable = 1, kWritable = 4, kHangup = 16 };  // GIOCondition

  // What the host can wait for: a file descriptor; on Windows, the HANDLE of an object that becomes
  // signalled, for which kReadable is the only condition.
#ifdef _WIN32
  using Waitable = void*;
#else
  using Waitable = int;
#endif

  // Runs fn on the loop's thread with its lock, soon, in the order posted. Any thread.
  virtual void post(std::function<void()> fn) = 0;

  // Watches something; the watch ends when the handle is destroyed (with the lock held).
  class Watch;
  using WatchHandle = std::unique_ptr<Watch, void (*)(Watch*)>;
  // fn gets the conditions seen; it keeps being called while they hold, and may destroy the handle.
  virtual WatchHandle watch(Waitable waitable, unsigned conditions,
                            std::function<void(unsigned)> fn) = 0;

  // The lock. Taking one that this thread has is an error, as Guard knows.
  virtual void lock() = 0;
  virtual void unlock() = 0;
  virtual bool held_by_me() const = 0;

  // Runs fn under the machine lock: at once if this thread has it, else on this thread when it has
  // given the context's lock back. With the context's lock.
  virtual void with_machine(std::function<void()> fn) = 0;
  // Runs what with_machine() has kept: whoever is about to destroy what it refers to calls this.
  // Machine lock; the context's too, if nothing more is to be kept meanwhile.
  virtual void run_kept() = 0;

  // Holds the lock for a scope; if this thread holds it already, does nothing.
  class Guard {
   public:
    explicit Guard(IoContext& context) : context_(context.held_by_me() ? nullptr : &context) {
      if (context_ != nullptr) context_->lock();
    }
    ~Guard() {
      if (context_ != nullptr) context_->unlock();
    }
    Guard(const Guard&) = delete;
    Guard& operator=(const Guard&) = delete;

   private:
    IoContext* context_;
  };

 protected:
  ~IoContext() = default;
};

}  // namespace backplane
