// SPDX-License-Identifier: MIT
// The high precision event timer: a 100 MHz counter with three comparators.
// [IA-PC HPET 1.0a "Register Model", "Theory Of Operation"]
#pragma once

#include <array>
#include <functional>
#include <memory>

#include "backplane/clock.h"
#include "backplane/irq.h"
#include "backplane/log.h"
#include "backplane/state.h"
#include "backplane/types.h"

namespace backplane::pc {

class Hpet {
 public:
  static constexpr u64 kDefaultAddress = 0xfed00000;
  static constexpr u64 kWindowSize = 0x400;
  static constexpr u64 kHertz = 100'000'000;
  static constexpr unsigned kTimers = 3;

  // Whether the guest has yet to take the last edge on an input.
  using Pending = std::function<bool(unsigned input)>;

  // `inputs` is reached at GSI numbers; in legacy replacement timer 0 uses input 2 (where the
  // 8254 is wired) and timer 1 input 8. Machine lock for all calls.
  Hpet(Clock& clock, IrqSink& inputs, Pending pending = {});

  void reset();
  static std::span<const StateMember> members();
  u64 read(u64 offset, unsigned size);
  void write(u64 offset, u64 value, unsigned size);

  // While true the 8254's and the RTC's interrupts are cut off. [HPET "LegacyReplacement Route"]
  bool legacy_replacement() const;
  // What the ACPI table repeats: the low half of the capability register.
  static u32 event_timer_block_id();

 private:
  // Timer configuration: what a timer can do. Outside legacy replacement it may be routed to inputs
  // 20 to 23.
  static constexpr u64 kPeriodicCapable = 1u << 4, kSizeCapable = 1u << 5;
  static constexpr u64 kRouteCapabilities = 0x00f0'0000;
  static constexpr u64 kTimerCapabilities =
      kRouteCapabilities << 32 | kPeriodicCapable | kSizeCapable;
  struct Comparator {
    u64 config = kTimerCapabilities;
    u64 compare = ~u64{0};
    u64 period = 0;
    bool overdue = false;  // the comparator is behind the counter: periods are being caught up
    bool stalled = false;  // the guest takes no ticks: what was overdue was given up
    int driving = -1;      // the input this timer holds high
    // No timer is armed, since nobody would see it fire: when the next match would have been.
    i64 unseen_match = -1;
    static std::span<const StateMember> members();
  };
  struct State {
    u64 config = 0;
    u64 status = 0;
    u64 stopped_counter = 0;  // value while disabled
    i64 started = 0;          // clock time at which the running counter was 0 modulo 2^64
    u64 base = 0;             // counter value at started
    std::array<Comparator, kTimers> comparators;
    static std::span<const StateMember> members();
  };

  bool enabled() const;
  u64 counter(i64 now) const;
  u64 read_register(u64 offset) const;
  void write_register(u64 offset, u64 value, u64 mask);
  void write_config(u64 value, i64 now);
  void write_timer_config(unsigned n, u64 value, u64 mask);
  void write_comparator(Comparator& t, u64 value, u64 mask);
  void clear_status(u64 bits);
  void set_counter(u64 value, i64 now);
  void schedule_all(i64 now);
  void schedule(unsigned n, i64 now);
  void fire(unsigned n);
  void deliver(unsigned n);
  bool interrupts(unsigned n) const;
  void drive(unsigned n);
  void skip_periods(Comparator& t, i64 now);
  u64 next_period(const Comparator& t, i64 now) const;
  static bool missed_unseen(const Comparator& t, i64 now);
  void settle_unseen(i64 now);
  bool visible(unsigned n) const;
  static u64 width(const Comparator& t);
  static bool periodic(const Comparator& t);
  int route(unsigned n) const;
  void release(Comparator& t);

  Clock& clock_;
  IrqSink& inputs_;
  Pending pending_;
  State state_;
  GuestErrors guest_errors_;
  std::array<std::unique_ptr<Timer>, kTimers> timers_;  // of the comparators
};

}  // namespace backplane::pc
