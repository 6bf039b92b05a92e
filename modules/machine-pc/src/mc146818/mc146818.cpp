// SPDX-License-Identifier: MIT
#include "mc146818/mc146818.h"

#include <algorithm>
#include <chrono>

#include "backplane/error.h"
#include "time/ticks.h"

namespace backplane::pc {

namespace {

constexpr u8 kSeconds = 0, kSecondsAlarm = 1, kMinutes = 2, kMinutesAlarm = 3, kHours = 4,
             kHoursAlarm = 5, kDayOfWeek = 6, kDay = 7, kMonth = 8, kYear = 9, kA = 10, kB = 11,
             kC = 12, kD = 13;

constexpr u8 kUpdateInProgress = 0x80, kDividerReset = 0x60;
constexpr u8 kSet = 0x80, kPeriodicEnable = 0x40, kAlarmEnable = 0x20, kUpdateEnable = 0x10,
             kSquareWaveEnable = 0x08, kBinary = 0x04, k24Hour = 0x02;
constexpr u8 kIrqFlag = 0x80, kPeriodicFlag = 0x40, kAlarmFlag = 0x20, kUpdateFlag = 0x10;
constexpr u8 kPm = 0x80;
constexpr u8 kValidRam = 0x80;

constexpr i64 kSecond = 1'000'000'000;
constexpr i64 kOscillator = 32'768;
// UIP announces an update this long before it. [MC146818 "Update Cycle"]
constexpr i64 kUpdateNotice = 8 * kSecond / kOscillator;
constexpr i64 kDaySeconds = 86'400;
constexpr i64 kLastSecond = 9'000'000'000;  // in the year 2255
constexpr i64 kLastDate = kLastSecond * kSecond;

i64 floor_div(i64 a, i64 b) { return a / b - (a % b < 0 ? 1 : 0); }

bool is_date(u8 index) {
  return index == kSeconds || index == kMinutes || index == kHours ||
         (index >= kDayOfWeek && index <= kYear) || index == Rtc::kCentury;
}

}  // namespace

Rtc::Rtc(Clock& calendar, i64 epoch_offset, Clock& ticks, IrqLine irq)
    : calendar_(calendar),
      ticks_(ticks),
      irq_(irq),
      second_timer_(calendar,
                    [this] {
                      catch_up();
                      schedule();
                    }),
      periodic_timer_(ticks, [this] { periodic(); }) {
  state_.offset = epoch_offset;
  state_.cmos[kA] = 0x26;  // 32.768 kHz, 1024 Hz
  state_.cmos[kB] = k24Hour;
  state_.cmos[kD] = kValidRam;
  state_.seen_second = now_second();
}

std::span<const StateMember> Rtc::State::members() {
  static const StateMember kMembers[] = {
      member<&State::offset>("offset", within(-kLastDate, kLastDate)),
      member<&State::cmos>("cmos"),
      member<&State::index>("index"),
      member<&State::next_tick>("next_tick", kTime),
      member<&State::stalled>("stalled"),
      member<&State::seen_second>("seen_second", within(-2 * kLastSecond, 2 * kLastSecond)),
  };
  return kMembers;
}

std::span<const StateMember> Rtc::members() {
  static const StateMember kMembers[] = {
      member<&Rtc::state_>("state"),
      member<&Rtc::second_timer_>("second_timer"),
      member<&Rtc::periodic_timer_>("periodic_timer"),
  };
  return kMembers;
}

void Rtc::loaded() {
  if (calendar_.type() == ClockType::Realtime && !halted()) {
    state_.offset = state_.seen_second * kSecond - calendar_.now();
    schedule();
  }
  if (state_.offset > kLastDate - calendar_.now())
    throw Error::of("offset: {}: a date after 2255", state_.offset);
}

// RESET# clears the interrupt enables and flags and leaves time and memory alone.
void Rtc::reset() {
  catch_up();
  state_.cmos[kB] &= static_cast<u8>(~(kPeriodicEnable | kAlarmEnable | kUpdateEnable));
  state_.cmos[kC] = 0;
  state_.index = 0;
  update_irq();
  schedule();
}

i64 Rtc::now() const { return calendar_.now() + state_.offset; }
i64 Rtc::now_second() const { return floor_div(now(), kSecond); }
bool Rtc::halted() const { return (state_.cmos[kB] & kSet) != 0 || divider_stands(); }
// [MC146818 "Divider Control"]
bool Rtc::divider_stands() const { return (state_.cmos[kA] & kDividerReset) == kDividerReset; }

u8 Rtc::encode(unsigned v) const {
  return static_cast<u8>((state_.cmos[kB] & kBinary) != 0 ? v : v / 10 << 4 | v % 10);
}
unsigned Rtc::decode(u8 v) const {
  return (state_.cmos[kB] & kBinary) != 0 ? v : (v >> 4) * 10u + (v & 15u);
}
u8 Rtc::encode_hour(unsigned hour) const {
  if ((state_.cmos[kB] & k24Hour) != 0) return encode(hour);
  const unsigned twelve = hour % 12 == 0 ? 12 : hour % 12;
  return static_cast<u8>(encode(twelve) | (hour >= 12 ? kPm : 0));
}
unsigned Rtc::decode_hour(u8 v) const {
  if ((state_.cmos[kB] & k24Hour) != 0) return decode(v);
  return decode(v & 0x7f) % 12 + ((v & kPm) != 0 ? 12 : 0);
}

// Puts the present date into the registers.
void Rtc::encode_date() {
  using namespace std::chrono;
  const i64 second = now_second();
  const i64 day_number = floor_div(second, kDaySeconds);
  const auto in_day = static_cast<unsigned>(second - day_number * kDaySeconds);
  const sys_days date{days{static_cast<int>(std::clamp<i64>(day_number, -4'000'000, 4'000'000))}};
  const year_month_day ymd{date};
  const unsigned year = static_cast<unsigned>(static_cast<int>(ymd.year())) % 10000;
  state_.cmos[kSeconds] = encode(in_day % 60);
  state_.cmos[kMinutes] = encode(in_day / 60 % 60);
  state_.cmos[kHours] = encode_hour(in_day / 3600);
  state_.cmos[kDayOfWeek] = encode(weekday{date}.c_encoding() + 1);
  state_.cmos[kDay] = encode(static_cast<unsigned>(ymd.day()));
  state_.cmos[kMonth] = encode(static_cast<unsigned>(ymd.month()));
  state_.cmos[kYear] = encode(year % 100);
  state_.cmos[kCentury] = encode(year / 100);
}

// Seconds since 1970 of the date in the registers; what is impossible, or cannot be counted in
// nanoseconds, is taken to the nearest date that can.
i64 Rtc::decode_date() const {
  using namespace std::chrono;
  const int y = static_cast<int>(decode(state_.cmos[kCentury]) * 100 + decode(state_.cmos[kYear]));
  const unsigned m = std::clamp(decode(state_.cmos[kMonth]), 1u, 12u);
  const unsigned d = std::clamp(decode(state_.cmos[kDay]), 1u, 31u);
  const sys_days date = sys_days{year{y} / static_cast<int>(m) / 1} + days{d - 1};
  const i64 seconds = i64{date.time_since_epoch().count()} * kDaySeconds +
                      decode_hour(state_.cmos[kHours]) * 3600 + decode(state_.cmos[kMinutes]) * 60 +
                      decode(state_.cmos[kSeconds]);
  return std::clamp<i64>(seconds, 0, kLastSecond);
}

void Rtc::go_on_from(i64 time) {
  state_.offset = time - calendar_.now();
  state_.seen_second = now_second();
}

u8 Rtc::read(unsigned port) { return port == 0 ? 0xff : read_register(state_.index & 0x7f); }

void Rtc::write(unsigned port, u8 value) {
  if (port == 0)
    state_.index = value;
  else
    write_register(state_.index & 0x7f, value);
}

u8 Rtc::read_register(u8 index) {
  if (is_date(index) && !halted()) encode_date();
  switch (index) {
    case kA: {
      const bool soon = !halted() && kSecond - (now() - now_second() * kSecond) <= kUpdateNotice;
      return static_cast<u8>(state_.cmos[kA] | (soon ? kUpdateInProgress : 0));
    }
    case kC: {
      catch_up();
      const u8 value = state_.cmos[kC];
      state_.cmos[kC] = 0;
      update_irq();
      return value;
    }
    default:
      return state_.cmos[index];
  }
}

void Rtc::write_register(u8 index, u8 value) {
  if (is_date(index)) {
    if (!halted()) encode_date();
    state_.cmos[index] = value;
    if (!halted()) {
      state_.offset += (decode_date() - now_second()) * kSecond;
      state_.seen_second = now_second();
    }
    schedule();
    return;
  }
  switch (index) {
    case kA: {
      catch_up();
      const bool was_halted = halted();
      if (!was_halted) encode_date();
      state_.cmos[kA] = value & 0x7f;
      // The first update comes half a second after the divider begins.
      if (was_halted && !halted()) go_on_from(decode_date() * kSecond + kSecond / 2);
      state_.next_tick = 0;
      break;
    }
    case kB:
      if ((value & kSquareWaveEnable) != 0) unimplemented_("mc146818: square-wave output");
      catch_up();
      if ((value & kSet) != 0 && !halted()) encode_date();
      if ((value & kSet) == 0 && halted() && !divider_stands()) {
        state_.cmos[kB] = value;  // the date is read in the format that holds from now on
        go_on_from(decode_date() * kSecond);
      }
      if (((value ^ state_.cmos[kB]) & kPeriodicEnable) != 0) state_.next_tick = 0;
      state_.cmos[kB] = (value & kSet) != 0 ? static_cast<u8>(value & ~kUpdateEnable) : value;
      update_irq();
      break;
    case kC:
    case kD:
      guest_errors_("mc146818: a write to register {:X}h, which is read-only", index);
      return;
    default:
      state_.cmos[index] = value;
      break;
  }
  if (index <= kD) schedule();
}

// Sets the flags of the updates and alarms since the last look.
void Rtc::catch_up() {
  if (halted()) return;
  const i64 second = now_second();
  if (second > state_.seen_second) {
    state_.cmos[kC] |= kUpdateFlag;
    if (const i64 alarm = next_alarm(state_.seen_second); alarm >= 0 && alarm <= second)
      state_.cmos[kC] |= kAlarmFlag;
  }
  state_.seen_second = second;
  update_irq();
}

// The first second after `after` at which the alarm registers match, or -1. Values of C0h and
// above match anything.
i64 Rtc::next_alarm(i64 after) const {
  const auto wanted = [](u8 raw, unsigned decoded) {
    return raw >= 0xc0 ? -1 : static_cast<int>(decoded);
  };
  const int h = wanted(state_.cmos[kHoursAlarm], decode_hour(state_.cmos[kHoursAlarm]));
  const int m = wanted(state_.cmos[kMinutesAlarm], decode(state_.cmos[kMinutesAlarm]));
  const int s = wanted(state_.cmos[kSecondsAlarm], decode(state_.cmos[kSecondsAlarm]));
  if (h > 23 || m > 59 || s > 59) return -1;
  const i64 first = after + 1;
  const i64 day = floor_div(first, kDaySeconds) * kDaySeconds;
  // Whole hours and minutes that cannot match are skipped: at most a few hundred steps.
  for (i64 t = first; t < day + 2 * kDaySeconds;) {
    const i64 in_day = (t - day) % kDaySeconds;
    if (h >= 0 && in_day / 3600 != h)
      t += 3600 - in_day % 3600;
    else if (m >= 0 && in_day / 60 % 60 != m)
      t += 60 - in_day % 60;
    else if (s >= 0 && in_day % 60 != s)
      ++t;
    else
      return t;
  }
  return -1;
}

// Of the rate chosen in register A, in nanoseconds; 0: none.
i64 Rtc::periodic_interval() const {
  unsigned rate = state_.cmos[kA] & 15;
  if (rate == 0) return 0;
  if (rate <= 2) rate += 7;
  return nanoseconds_for(u64{1} << (rate - 1), kOscillator);
}

void Rtc::schedule() {
  second_timer_.cancel();
  if (!halted() && (state_.cmos[kB] & (kUpdateEnable | kAlarmEnable)) != 0) {
    i64 second = now_second() + 1;
    if ((state_.cmos[kB] & kUpdateEnable) == 0) second = next_alarm(now_second());
    if (second >= 0) second_timer_.arm_at(std::max<i64>(0, second * kSecond - state_.offset));
  }
  const i64 interval = periodic_interval();
  if ((state_.cmos[kB] & kPeriodicEnable) == 0 || interval == 0) {
    periodic_timer_.cancel();
    return;
  }
  if (state_.next_tick != 0 && periodic_timer_.armed()) return;
  state_.next_tick = ticks_.now() + interval;
  periodic_timer_.arm_at(state_.next_tick);
}

void Rtc::periodic() {
  // The guest takes a tick by reading register C: until then the next one would be lost.
  const bool wait = (state_.cmos[kC] & state_.cmos[kB] & kPeriodicFlag) != 0;
  state_.cmos[kC] |= kPeriodicFlag;
  update_irq();
  const i64 interval = periodic_interval();
  if (interval == 0) return;
  const i64 now = ticks_.now();
  if (!wait) {
    state_.next_tick += interval;
    state_.stalled = false;
  }
  if (now - state_.next_tick > kMostOverdue || (state_.stalled && wait)) {
    if (now >= state_.next_tick)
      state_.next_tick += ((now - state_.next_tick) / interval + 1) * interval;
    state_.stalled = true;
  }
  periodic_timer_.arm_at(delivery_time(state_.next_tick, interval, now));
}

void Rtc::update_irq() {
  const bool raised =
      (state_.cmos[kC] & state_.cmos[kB] & (kPeriodicFlag | kAlarmFlag | kUpdateFlag)) != 0;
  state_.cmos[kC] = static_cast<u8>((state_.cmos[kC] & ~kIrqFlag) | (raised ? kIrqFlag : 0));
  irq_.set(raised);
}

}  // namespace backplane::pc
