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

i64 LocalApic::timer_tick_ns(u64 ticks) const {
  return static_cast<i64>(scale(ticks << divider_shift(timer_divide_), kSecond, kTimerFrequency));
}

u32 LocalApic::timer_current() const {
  if (timer_mode() == kTscDeadline || timer_initial_ == 0) return 0;
  const i64 elapsed = std::max<i64>(0, timer_.clock().now() - timer_start_);
  const u64 ticks =
      scale(static_cast<u64>(elapsed), kTimerFrequency, kSecond) >> divider_shift(timer_divide_);
  if (timer_mode() == kPeriodic) return timer_initial_ - static_cast<u32>(ticks % timer_initial_);
  return ticks >= timer_initial_ ? 0 : timer_initial_ - static_cast<u32>(ticks);
}

void LocalApic::start_timer() {
  timer_start_ = timer_.clock().now();
  rearm_timer();
}

// Arms the host timer for the next time that the count reaches zero.
void LocalApic::rearm_timer() {
  if (timer_initial_ == 0) return timer_.cancel();
  const i64 period = timer_tick_ns(timer_initial_);
  if (timer_mode() != kPeriodic) {
    const i64 deadline = timer_start_ + period;
    if (deadline < timer_.clock().now()) return timer_.cancel();  // it fired already
    return timer_.arm_at(deadline);
  }
  const i64 now = timer_.clock().now();
  const i64 step = std::max(period, kShortestPeriod);
  const i64 passed = std::max<i64>(0, now - timer_start_) / step;
  timer_.arm_at(timer_start_ + (passed + 1) * step);
}

void LocalApic::timer_expired() {
  if (timer_mode() == kTscDeadline) tsc_deadline_ = 0;
  if (timer_mode() == kPeriodic) rearm_timer();
  if ((lvt_[kTimer] & kLvtMasked) == 0) deliver_local(kTimer);
}

u64 LocalApic::tsc_deadline() const { return timer_mode() == kTscDeadline ? tsc_deadline_ : 0; }

void LocalApic::set_tsc_deadline(u64 value) {
  if (timer_mode() != kTscDeadline) return;
  tsc_deadline_ = value;
  if (value == 0) return timer_.cancel();
  const u64 now = cpu_.tsc();
  if (value <= now) {
    timer_.cancel();
    return timer_expired();
  }
  constexpr u64 kFarthest = u64{1} << 60;
  const u64 wait = std::min(scale(value - now, kSecond, cpu_.tsc_frequency()) + 1, kFarthest);
  timer_.arm_in(static_cast<i64>(wait));
}

}  // namespace backplane::x86
