// SPDX-License-Identifier: MIT
// Clocks and timers. Times are nanoseconds as i64.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>

#include "backplane/types.h"

namespace backplane {

enum class ClockType {
  Virtual,   // guest time: stands still while the machine is stopped; follows instruction counting
  Realtime,  // host monotonic time
  Host,      // host wall-clock time since the epoch, UTC
};

class Timer;

// One clock of a machine. now() may be called on any thread. Timers fire on the main loop's
// thread under the machine lock (under instruction counting, virtual timers fire on the vCPU
// thread, at the instruction that reaches their deadline).
class Clock {
 public:
  // Where a Virtual clock's time comes from when it does not run freely (instruction counting).
  using Source = std::function<i64()>;

  // `host`: the monotonic time that a running Virtual clock follows; the host's unless given.
  explicit Clock(ClockType type, Source host = {});
  ~Clock();
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;

  ClockType type() const { return type_; }
  i64 now() const;

  // Virtual only. Stops and restarts with the machine; starts stopped at 0. Machine lock.
  void start();
  void stop();
  bool running() const;
  // Virtual, stopped, without a source: time goes on from there.
  void set_time(i64 time);
  // From now on time is what the source says, also while stopped. Before the machine first runs.
  void set_source(Source source);
  // The same, where the source counts the instructions that the guest executes: what happens at a
  // time then happens at an instruction, in each run at the same one. The accelerator says so, in
  // init_machine(); whoever has to know asks the machine's virtual clock.
  void follow_instructions(Source source);
  bool follows_instructions() const;
  // Whether a running Virtual clock runs with the host's: it has no source.
  bool follows_host() const;

  // --- not to run away from timers that are late: Virtual, following the host, machine lock
  // -------- From now on time gets no further than `slack` past the earliest deadline until that
  // timer was fired or taken back, however long the host takes. What the host's clock is ahead by
  // then is lost: a guest is not shown time in which nothing could have been delivered to it.
  void hold_at_deadlines(i64 slack);
  // How far the clock may still run at that host_time(); negative: by how much it is held back.
  i64 room_at(i64 host_time) const;
  i64 host_time() const;
  // Called when the clock was stopped (with 0), and when it goes on after it stood still for so
  // many nanoseconds of the host's. One hook.
  void set_pause_hook(std::function<void(i64 stood_still)> hook);
  // Whether those that the timers are for can see them fire; asked before overdue ones are fired.
  // One check, may be empty.
  void set_ready_check(std::function<bool()> check);
  bool ready_to_fire() const;

  // The earliest deadline, or -1 if no timer is armed. Any thread.
  i64 next_deadline() const;
  // Fires every timer whose deadline is not after now(), earliest first, equal ones in the order
  // they were armed. One that a callback arms meanwhile waits for the next call, so that a guest
  // cannot keep this one busy. Machine lock held. Returns how many fired.
  unsigned run_timers();
  // Called when the earliest deadline becomes earlier, and when the clock starts or stops; on the
  // thread that caused it, machine lock held. One hook, the last one set; attaching the clock to a
  // main loop sets the loop's.
  void set_rearmed_hook(std::function<void()> hook);

 private:
  friend class Timer;
  struct Impl;
  ClockType type_;
  std::unique_ptr<Impl> impl_;
};

// A one-shot alarm. Arm, cancel and destroy under the machine lock; its callback may do the first
// two, and must not destroy it.
class Timer {
 public:
  Timer(Clock& clock, std::function<void()> callback);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  // Fires once when the clock reaches `deadline` (absolute, a negative one means 0); replaces an
  // earlier deadline.
  void arm_at(i64 deadline);
  void arm_in(i64 nanoseconds);
  void cancel();
  bool armed() const { return deadline_ >= 0; }
  i64 deadline() const { return deadline_; }
  Clock& clock() const { return clock_; }

 private:
  friend class Clock;
  Clock& clock_;
  std::function<void()> callback_;
  i64 deadline_ = -1;
};

}  // namespace backplane
