// SPDX-License-Identifier: MIT
// The event loop: GLib's default main context, one thread. Every callback runs on that thread
// with the machine lock held. An exception that leaves a callback is reported and goes no further.
#pragma once

#include <functional>
#include <memory>

#include "backplane/machine_lock.h"
#include "backplane/types.h"

namespace backplane {

class Clock;

class MainLoop {
 public:
  enum Condition : unsigned { kReadable = 1, kWritable = 4, kHangup = 16 };  // GIOCondition

  // What the host can wait for: a file descriptor; on Windows, the HANDLE of an object that becomes
  // signalled, for which kReadable is the only condition.
#ifdef _WIN32
  using Waitable = void*;
#else
  using Waitable = int;
#endif

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

  // Watches something; the watch ends when the handle is destroyed (machine lock held).
  class Watch;
  using WatchHandle = std::unique_ptr<Watch, void (*)(Watch*)>;
  // fn gets the conditions seen; it keeps being called while they hold, and may destroy the handle.
  WatchHandle watch(Waitable waitable, unsigned conditions, std::function<void(unsigned)> fn);

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
