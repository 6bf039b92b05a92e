// SPDX-License-Identifier: MIT
// The local APIC's timer. [SDM 3A "APIC Timer"]
#include <algorithm>

#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/cpu.h"
#include "lvt.h"

namespace backplane::x86 {

namespace {

constexpr i64 kSecond = 1'000'000'000;
// A shorter period would keep the host busy and the guest from getting on.
constexpr i64 kShortestPeriod = 10'000;

unsigned divider_shift(u32 divide) {
  const u32 code = ((divide & 8) >> 1) | (divide & 3);
  return code == 7 ? 0 : code + 1;
}

u64 scale(u64 value, u64 numerator, u64 denominator) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = static_cast<Wide>(value) * numerator / denominator;
  return product > ~u64{0} ? ~u64{0} : static_cast<u64>(product);
}

}  // namespace

// What is said to be unknown counts as ours: nothing depends on it then.
u64 LocalApic::timer_hertz() const {
  const u64 frequency = timer_frequency();
  return frequency != 0 ? frequency : kTimerFrequency;
}

i64 LocalApic::timer_tick_ns(u64 ticks) const {
  return static_cast<i64>(
      scale(ticks << divider_shift(state_.timer_divide), kSecond, timer_hertz()));
}

// The count at that time; 0 where it has expired.
u32 LocalApic::timer_count(i64 now) const {
  if (!state_.timer_counts) return 0;
  const i64 elapsed = std::max<i64>(0, now - state_.timer_start);
  const u64 ticks = scale(static_cast<u64>(elapsed), timer_hertz(), kSecond) >>
                    divider_shift(state_.timer_divide);
  if (timer_mode() == kPeriodic)
    return state_.timer_initial - static_cast<u32>(ticks % state_.timer_initial);
  return ticks >= state_.timer_initial ? 0 : state_.timer_initial - static_cast<u32>(ticks);
}

u32 LocalApic::timer_current() const { return timer_count(timer_.clock().now()); }

void LocalApic::start_timer(u32 count) {
  state_.timer_counts = count != 0;
  continue_timer(count, timer_.clock().now());
}

// Counts down from `count`, in the mode and at the rate that hold from now on.
void LocalApic::continue_timer(u32 count, i64 now) {
  if (!state_.timer_counts) return timer_.cancel();
  state_.timer_start = now - timer_tick_ns(state_.timer_initial - count);
  arm_timer(now);
}

// Arms the host timer for the next time that the count reaches zero.
void LocalApic::arm_timer(i64 now) {
  const i64 period = timer_tick_ns(state_.timer_initial);
  if (timer_mode() != kPeriodic) return timer_.arm_at(state_.timer_start + period);
  const i64 step = std::max(period, kShortestPeriod);
  const i64 passed = std::max<i64>(0, now - state_.timer_start) / step;
  timer_.arm_at(state_.timer_start + (passed + 1) * step);
}

void LocalApic::stop_timer() {
  timer_.cancel();
  state_.timer_counts = false;
  state_.timer_initial = 0;
  state_.tsc_deadline = 0;
}

// That of an accelerator's local APIC is not ours to run, and was not when it was saved.
void LocalApic::load_timer(u64 tsc) {
  if (mirror_) return timer_.cancel();
  if (timer_.armed()) return;
  if (timer_mode() != kTscDeadline) {
    if (timer_current() != 0) arm_timer(timer_.clock().now());
  } else if (state_.tsc_deadline != 0) {
    wait_for_tsc(state_.tsc_deadline - std::min(tsc, state_.tsc_deadline));
  }
}

// [SDM 3A "APIC Timer"]: a count that is under way goes on in another mode and at another rate;
// one that has ended begins again only when the initial count is written; to TSC-deadline mode and
// back the timer is disarmed.
void LocalApic::set_timer_mode(u32 entry) {
  const unsigned old_mode = timer_mode();
  const i64 now = timer_.clock().now();
  const u32 count = timer_count(now);
  const bool changes = (entry >> kTimerModeShift & 3) != old_mode;
  if (changes && state_.timer_counts && count == 0) {
    // Ended in the old mode, and the host is late.
    timer_.cancel();
    timer_expired();
  }
  state_.lvt[kTimer] = entry;
  if (!changes) return;
  if (timer_mode() == kTscDeadline || old_mode == kTscDeadline) return stop_timer();
  continue_timer(count, now);
}

void LocalApic::set_timer_divide(u32 value) {
  const i64 now = timer_.clock().now();
  const u32 count = timer_count(now);
  state_.timer_divide = value;
  if (count != 0) continue_timer(count, now);
}

void LocalApic::timer_expired() {
  if (timer_mode() == kTscDeadline) state_.tsc_deadline = 0;
  if (timer_mode() == kPeriodic)
    arm_timer(timer_.clock().now());
  else
    state_.timer_counts = false;
  if ((state_.lvt[kTimer] & kLvtMasked) == 0) deliver_local(kTimer);
}

u64 LocalApic::tsc_deadline() const {
  return timer_mode() == kTscDeadline ? state_.tsc_deadline : 0;
}

void LocalApic::set_tsc_deadline(u64 value) {
  if (timer_mode() != kTscDeadline) return;
  state_.tsc_deadline = value;
  if (value == 0) return timer_.cancel();
  const u64 now = cpu_.tsc();
  if (value <= now) {
    timer_.cancel();
    return timer_expired();
  }
  wait_for_tsc(value - now);
}

void LocalApic::wait_for_tsc(u64 ticks) {
  constexpr u64 kFarthest = u64{1} << 60;
  const u64 wait = std::min(scale(ticks, kSecond, cpu_.tsc_frequency()) + 1, kFarthest);
  timer_.arm_in(static_cast<i64>(wait));
}

}  // namespace backplane::x86
