// SPDX-License-Identifier: MIT
// The event loop: GLib's default main context, one thread. Every callback runs on that thread
// with the machine lock held. An exception that leaves a callback is reported and goes no further.
#pragma once

#include <functional>
#include <memory>

#include "backplane/io_context.h"
#include "backplane/machine_lock.h"
#include "backplane/types.h"

namespace backplane {

class Clock;

class MainLoop {
 public:
  enum Condition : unsigned {
    kReadable = IoContext::kReadable,
    kWritable = IoContext::kWritable,
    kHangup = IoContext::kHangup
  };
  using Waitable = IoContext::Waitable;
  using WatchHandle = IoContext::WatchHandle;

  MainLoop();
  ~MainLoop();
  MainLoop(const MainLoop&) = delete;
  MainLoop& operator=(const MainLoop&) = delete;

  // Runs until quit(); returns the status given to it. Call without the machine lock.
  int run();
  // Ends run(), or the next one if none is under way. The first status counts. Any thread.
  void quit(int status);
  // Runs fn on the loop's thread, soon, in the order posted. Any thread.
  void post(std::function<void()> fn);
  // One round: runs what is due, after waiting for something if `wait`. Returns whether anything
  // ran. On the loop's thread, with the machine lock (given up while waiting) or without.
  bool iterate(bool wait);

  // Watches something; the watch ends when the handle is destroyed (machine lock held). fn gets the
  // conditions seen; it keeps being called while they hold, and may destroy the handle.
  WatchHandle watch(Waitable waitable, unsigned conditions, std::function<void(unsigned)> fn);
  // The same for what is served either here or in an I/O thread: its lock is the machine lock.
  IoContext& io_context();

  // Lets this loop fire a clock's timers, with the precision of the host's timers. Machine lock.
  void attach_clock(Clock& clock);
  void detach_clock(Clock& clock);

  // Has run() call fn with the number when one of SIGINT, SIGTERM, SIGHUP arrives. While run() is
  // not under way, nobody would see that it was called: there they end the program, as always. On
  // Windows, Ctrl-C and Ctrl-Break of the console are SIGINT, and its closing is SIGTERM. Before
  // run().
  void on_termination(std::function<void(int signal)> fn);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backplane
