// SPDX-License-Identifier: MIT
#include "hpet/hpet.h"

#include <algorithm>

#include "time/ticks.h"

namespace backplane::pc {

namespace {

// Registers.
constexpr u64 kCapabilities = 0x00, kConfiguration = 0x10, kStatus = 0x20, kCounter = 0xf0,
              kTimerBlock = 0x100, kTimerStride = 0x20;
constexpr u64 kTimerConfig = 0x00, kTimerComparator = 0x08;

// General configuration.
constexpr u64 kEnable = 1, kLegacy = 2;

// Timer configuration.
constexpr u64 kLevel = 1u << 1, kInterruptEnable = 1u << 2, kPeriodic = 1u << 3,
              kSetValue = 1u << 6, k32Bit = 1u << 8, kRouteShift = 9, kRouteMask = 31;
constexpr u64 kTimerWritable =
    kLevel | kInterruptEnable | kPeriodic | kSetValue | k32Bit | kRouteMask << kRouteShift;

constexpr u64 kFemtosecondsPerTick = 1'000'000'000'000'000 / Hpet::kHertz;
constexpr u64 kCapabilityValue = kFemtosecondsPerTick << 32 | 0x8086u << 16 |
                                 1u << 15 |                     // legacy replacement
                                 1u << 13 |                     // 64-bit counter
                                 (Hpet::kTimers - 1) << 8 | 1;  // revision

constexpr u64 kMinimumTicks =
    static_cast<u64>(kMinimumTimerInterval) * Hpet::kHertz / kNanosecondsPerSecond;
constexpr u64 kMostOverdueTicks =
    static_cast<u64>(kMostOverdue) * Hpet::kHertz / kNanosecondsPerSecond;

}  // namespace

Hpet::Hpet(Clock& clock, IrqSink& inputs, Pending pending)
    : clock_(clock), inputs_(inputs), pending_(std::move(pending)) {
  for (unsigned n = 0; n < kTimers; ++n)
    timers_[n] = std::make_unique<Timer>(clock, [this, n] { fire(n); });
  reset();
}

std::span<const StateMember> Hpet::Comparator::members() {
  static const StateMember kMembers[] = {
      member<&Comparator::config>("config"),
      member<&Comparator::compare>("compare"),
      member<&Comparator::period>("period"),
      member<&Comparator::overdue>("overdue"),
      member<&Comparator::stalled>("stalled"),
      member<&Comparator::driving>("driving", within(-1, 23)),
      member<&Comparator::unseen_match>("unseen_match", within(-1, kTime.most)),
  };
  return kMembers;
}

std::span<const StateMember> Hpet::State::members() {
  static const StateMember kMembers[] = {
      member<&State::config>("config"),
      member<&State::status>("status"),
      member<&State::stopped_counter>("stopped_counter"),
      member<&State::started>("started", kTime),
      member<&State::base>("base"),
      member<&State::comparators>("comparators"),
  };
  return kMembers;
}

std::span<const StateMember> Hpet::members() {
  static const StateMember kMembers[] = {
      member<&Hpet::state_>("state"),
      member<&Hpet::timers_>("timers"),
  };
  return kMembers;
}

void Hpet::reset() {
  for (const auto& timer : timers_) timer->cancel();
  for (Comparator& t : state_.comparators) release(t);
  state_ = {};
}

u32 Hpet::event_timer_block_id() { return static_cast<u32>(kCapabilityValue); }
bool Hpet::enabled() const { return (state_.config & kEnable) != 0; }
bool Hpet::legacy_replacement() const { return (state_.config & kLegacy) != 0; }

u64 Hpet::counter(i64 now) const {
  if (!enabled()) return state_.stopped_counter;
  return state_.base + ticks_in(now - state_.started, kHertz);
}

void Hpet::set_counter(u64 value, i64 now) {
  state_.stopped_counter = state_.base = value;
  state_.started = now;
}

// The input a timer's interrupt goes to, or -1.
int Hpet::route(unsigned n) const {
  if (legacy_replacement() && n < 2) return n == 0 ? 2 : 8;
  const unsigned input = state_.comparators[n].config >> kRouteShift & kRouteMask;
  return (kRouteCapabilities >> input & 1) != 0 ? static_cast<int>(input) : -1;
}

void Hpet::release(Comparator& t) {
  if (t.driving >= 0) inputs_.set_irq(static_cast<unsigned>(t.driving), false);
  t.driving = -1;
}

void Hpet::schedule_all(i64 now) {
  for (unsigned n = 0; n < kTimers; ++n) schedule(n, now);
}

bool Hpet::periodic(const Comparator& t) { return (t.config & kPeriodic) != 0 && t.period != 0; }

u64 Hpet::width(const Comparator& t) { return (t.config & k32Bit) != 0 ? 0xffffffff : ~u64{0}; }

// `now` is the time at which the counter or the comparator was set: a match one tick later must not
// be missed because the clock went on meanwhile.
void Hpet::schedule(unsigned n, i64 now) {
  Comparator& t = state_.comparators[n];
  timers_[n]->cancel();
  t.unseen_match = -1;
  if (!enabled()) return;
  if (t.overdue) {
    t.overdue = false;
    if (t.period != 0) skip_periods(t, now);
  }
  u64 distance = (t.compare - counter(now)) & width(t);
  if ((t.config & kPeriodic) != 0) {
    if (t.period == 0) return;
    distance = std::max(distance, kMinimumTicks);
  } else if (distance == 0) {
    distance = width(t);  // just matched: the next match is a full turn away
  }
  constexpr u64 kFarTicks = u64{1} << 58;  // decades; not worth a timer
  if (distance >= kFarTicks) return;
  const i64 match = now + nanoseconds_for(distance, kHertz);
  if (visible(n))
    timers_[n]->arm_at(match);
  else
    t.unseen_match = match;
}

// Of the first period that is not over.
u64 Hpet::next_period(const Comparator& t, i64 now) const {
  const u64 behind = (counter(now) - t.compare) & width(t);
  return (t.compare + (behind / t.period + 1) * t.period) & width(t);
}

void Hpet::skip_periods(Comparator& t, i64 now) { t.compare = next_period(t, now); }

bool Hpet::missed_unseen(const Comparator& t, i64 now) {
  return t.unseen_match >= 0 && now >= t.unseen_match && periodic(t);
}

// Before anything changes that the periods depend on.
void Hpet::settle_unseen(i64 now) {
  for (Comparator& t : state_.comparators) {
    if (!missed_unseen(t, now)) continue;
    skip_periods(t, now);
    t.unseen_match = now + nanoseconds_for((t.compare - counter(now)) & width(t), kHertz);
  }
}

// An edge that interrupts nobody leaves no trace. (Systems that go on to another timer leave this
// one running.)
bool Hpet::visible(unsigned n) const {
  return interrupts(n) || (state_.comparators[n].config & kLevel) != 0;
}

void Hpet::fire(unsigned n) {
  Comparator& t = state_.comparators[n];
  const i64 now = clock_.now();
  if (!periodic(t)) {
    deliver(n);
    schedule(n, now);
    return;
  }
  const u64 behind = (counter(now) - t.compare) & width(t);
  const int input = route(n);
  const bool wait = (t.config & (kInterruptEnable | kLevel)) == kInterruptEnable && input >= 0 &&
                    pending_ && pending_(static_cast<unsigned>(input));
  if (!wait) {
    deliver(n);
    t.stalled = false;
  }
  if (behind > kMostOverdueTicks) t.stalled = true;
  t.overdue = (wait || behind >= t.period) && !t.stalled;
  if (!t.overdue) {
    skip_periods(t, now);
    schedule(n, now);
    return;
  }
  if (!wait) t.compare = (t.compare + t.period) & width(t);
  timers_[n]->arm_at(delivery_time(0, nanoseconds_for(t.period, kHertz), now));
}

bool Hpet::interrupts(unsigned n) const {
  return (state_.comparators[n].config & kInterruptEnable) != 0 && route(n) >= 0;
}

void Hpet::drive(unsigned n) {
  state_.comparators[n].driving = route(n);
  inputs_.set_irq(static_cast<unsigned>(state_.comparators[n].driving), true);
}

void Hpet::deliver(unsigned n) {
  Comparator& t = state_.comparators[n];
  const bool level = (t.config & kLevel) != 0;
  if (level) state_.status |= u64{1} << n;
  if (!interrupts(n)) return;
  // An edge's line stays high until the next one, as the 8259 needs it.
  if (!level) release(t);
  drive(n);
}

u64 Hpet::read_register(u64 offset) const {
  switch (offset) {
    case kCapabilities:
      return kCapabilityValue;
    case kConfiguration:
      return state_.config;
    case kStatus:
      return state_.status;
    case kCounter:
      return counter(clock_.now());
    default:
      break;
  }
  const u64 n = (offset - kTimerBlock) / kTimerStride;
  if (offset < kTimerBlock || n >= kTimers) return 0;
  switch (offset % kTimerStride) {
    case kTimerConfig:
      return state_.comparators[n].config;
    case kTimerComparator: {
      const Comparator& t = state_.comparators[n];
      const i64 now = clock_.now();
      return missed_unseen(t, now) ? next_period(t, now) : t.compare;
    }
    default:
      return 0;
  }
}

u64 Hpet::read(u64 offset, unsigned size) {
  const u64 value = read_register(offset & ~u64{7}) >> (offset & 7) * 8;
  return size >= 8 ? value : value & ((u64{1} << size * 8) - 1);
}

void Hpet::write(u64 offset, u64 value, unsigned size) {
  const unsigned shift = (offset & 7) * 8;
  const u64 mask = (size >= 8 ? ~u64{0} : (u64{1} << size * 8) - 1) << shift;
  write_register(offset & ~u64{7}, value << shift, mask);
}

// `mask`: the bits of the 64-bit register that this access covers.
void Hpet::write_register(u64 offset, u64 value, u64 mask) {
  const i64 now = clock_.now();
  settle_unseen(now);
  switch (offset) {
    case kConfiguration:
      write_config((state_.config & ~mask) | (value & mask), now);
      return;
    case kStatus:
      clear_status(value & mask);
      return;
    case kCounter:
      set_counter((counter(now) & ~mask) | (value & mask), now);
      schedule_all(now);
      return;
    default:
      break;
  }
  const u64 n = (offset - kTimerBlock) / kTimerStride;
  if (offset < kTimerBlock || n >= kTimers)
    return guest_errors_("hpet: a write to {:#x}, where no register can be written", offset);
  switch (offset % kTimerStride) {
    case kTimerConfig:
      write_timer_config(n, value, mask);
      schedule(n, now);
      break;
    case kTimerComparator:
      write_comparator(state_.comparators[n], value, mask);
      schedule(n, now);
      break;
    default:
      break;
  }
}

void Hpet::write_config(u64 value, i64 now) {
  const bool was_enabled = enabled();
  const u64 count = counter(now);
  if (((value ^ state_.config) & kLegacy) != 0)
    for (Comparator& t : state_.comparators) release(t);
  state_.config = value & (kEnable | kLegacy);
  if (enabled() == was_enabled) return;
  set_counter(count, now);
  schedule_all(now);
}

void Hpet::clear_status(u64 bits) {
  for (unsigned n = 0; n < kTimers; ++n) {
    if ((bits >> n & 1) == 0 || (state_.status >> n & 1) == 0) continue;
    state_.status &= ~(u64{1} << n);
    release(state_.comparators[n]);
  }
}

void Hpet::write_timer_config(unsigned n, u64 value, u64 mask) {
  Comparator& t = state_.comparators[n];
  const u64 writable = kTimerWritable & mask;
  t.config = (t.config & ~writable) | (value & writable);
  if ((t.config & k32Bit) != 0) {
    t.compare &= 0xffffffff;
    t.period &= 0xffffffff;
  }
  const bool pending = (t.config & kLevel) != 0 && (state_.status >> n & 1) != 0;
  if (!pending || !interrupts(n) || t.driving != route(n)) release(t);
  if (pending && interrupts(n)) drive(n);
}

// A periodic timer's comparator register sets the period; with SETVAL also the next match.
void Hpet::write_comparator(Comparator& t, u64 value, u64 mask) {
  if ((t.config & k32Bit) != 0) mask &= 0xffffffff;
  const bool periodic = (t.config & kPeriodic) != 0;
  if (!periodic || (t.config & kSetValue) != 0) t.compare = (t.compare & ~mask) | (value & mask);
  if (periodic) {
    // SETVAL says that the first of two writes is the match, the second the period; a guest that
    // writes only once means both.
    t.period = (t.period & ~mask) | (value & mask);
    t.config &= ~kSetValue;
  }
  if ((t.config & k32Bit) != 0) {
    t.compare &= 0xffffffff;
    t.period &= 0xffffffff;
  }
}

}  // namespace backplane::pc
