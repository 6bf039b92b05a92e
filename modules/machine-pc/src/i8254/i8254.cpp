// SPDX-License-Identifier: MIT
#include "i8254/i8254.h"

#include <algorithm>

namespace backplane::pc {

namespace {

u32 from_bcd(u16 v) {
  return (v >> 12) * 1000u + (v >> 8 & 15) * 100u + (v >> 4 & 15) * 10u + (v & 15u);
}
u16 to_bcd(u32 v) {
  return static_cast<u16>((v / 1000 % 10) << 12 | (v / 100 % 10) << 8 | (v / 10 % 10) << 4 |
                          v % 10);
}

// What a low gate does, and what a rising one. [Intel 8254 datasheet, "Gate Pin Operations
// Summary"]
bool stands_still_without_gate(u8 mode) { return mode != 1 && mode != 5; }
bool triggered_by_gate(u8 mode) { return mode == 1 || mode == 5; }
bool periodic(u8 mode) { return mode == 2 || mode == 3; }

}  // namespace

Pit8254::Pit8254(Clock& clock, IrqLine output0, Pending pending, LostTickPolicy lost_ticks)
    : clock_(clock),
      output0_(output0),
      pending_(std::move(pending)),
      lost_ticks_(lost_ticks),
      timer_(clock, [this] { fire(); }) {
  state_.channels[2].gate = false;
}

std::span<const StateMember> Pit8254::Channel::members() {
  static const StateMember kMembers[] = {
      member<&Channel::control>("control"),
      member<&Channel::access>("access", within(kLow, kLowThenHigh)),
      member<&Channel::mode>("mode", within(0, 5)),
      member<&Channel::bcd>("bcd"),
      member<&Channel::gate>("gate"),
      member<&Channel::loaded>("loaded"),
      member<&Channel::triggered>("triggered"),
      member<&Channel::count>("count", within(1, 0x10000)),
      member<&Channel::next_count>("next_count", within(0, 0x10000)),
      member<&Channel::switch_at>("switch_at", within(0, i64{1} << 50)),
      member<&Channel::start>("start", kTime),
      member<&Channel::paused_at>("paused_at", within(-1, kTime.most)),
      member<&Channel::write_high>("write_high"),
      member<&Channel::write_low>("write_low"),
      member<&Channel::read_high>("read_high"),
      member<&Channel::value_latched>("value_latched"),
      member<&Channel::latched_value>("latched_value"),
      member<&Channel::status_latched>("status_latched"),
      member<&Channel::latched_status>("latched_status"),
  };
  return kMembers;
}

std::span<const StateMember> Pit8254::State::members() {
  static const StateMember kMembers[] = {
      member<&State::channels>("channels"),
      member<&State::next_edge>("next_edge", within(0, i64{1} << 50)),
      member<&State::stalled>("stalled"),
  };
  return kMembers;
}

std::span<const StateMember> Pit8254::members() {
  static const StateMember kMembers[] = {
      member<&Pit8254::state_>("state"),
      member<&Pit8254::timer_>("timer"),
  };
  return kMembers;
}

void Pit8254::reset() {
  state_ = {};
  timer_.cancel();
  output0_.lower();
}

// Its timer was not armed where the chip was another's.
void Pit8254::loaded() {
  Channel& c = state_.channels[0];
  const i64 now = clock_.now();
  if (timer_.armed() || !counting(c) || c.paused_at >= 0) return;
  const u64 d = elapsed(c, now);
  if (!periodic(c.mode) && d >= c.count) return;
  state_.next_edge = (d / c.count + 1) * c.count;
  arm(now);
}

x86::TimerRegisters Pit8254::registers() const {
  const i64 now = clock_.now();
  x86::TimerRegisters registers;
  for (std::size_t n = 0; n < state_.channels.size(); ++n) {
    const Channel& c = state_.channels[n];
    registers.channels[n] = {.access = c.access,
                             .mode = c.mode,
                             .bcd = c.bcd,
                             .gate = c.gate,
                             .loaded = c.loaded,
                             .count = c.next_count != 0 ? c.next_count : c.count,
                             .elapsed = c.paused_at >= 0 ? c.paused_at : now - c.start,
                             .write_high = c.write_high,
                             .read_high = c.read_high,
                             .write_low = c.write_low,
                             .value_latched = c.value_latched,
                             .status_latched = c.status_latched,
                             .latched_value = c.latched_value,
                             .latched_status = c.latched_status};
  }
  // An edge that is late has not come yet: its count is not shown as over.
  const Channel& first = state_.channels[0];
  if (timer_.armed() && !periodic(first.mode)) {
    i64& elapsed = registers.channels[0].elapsed;
    elapsed = std::min(elapsed, nanoseconds_for(first.count - 1, kHertz));
  }
  return registers;
}

void Pit8254::set_registers(const x86::TimerRegisters& registers) {
  const i64 now = clock_.now();
  timer_.cancel();
  state_ = {};
  for (std::size_t n = 0; n < state_.channels.size(); ++n) {
    const x86::TimerChannelRegisters& r = registers.channels[n];
    const bool stands = !r.gate && stands_still_without_gate(r.mode);
    state_.channels[n] = {.control = static_cast<u8>(r.access << 4 | r.mode << 1 | (r.bcd ? 1 : 0)),
                          .access = r.access,
                          .mode = r.mode,
                          .bcd = r.bcd,
                          .gate = r.gate,
                          .loaded = r.loaded,
                          .triggered = r.loaded,
                          .count = r.count,
                          .start = now - r.elapsed,
                          .paused_at = stands ? r.elapsed : -1,
                          .write_high = r.write_high,
                          .write_low = r.write_low,
                          .read_high = r.read_high,
                          .value_latched = r.value_latched,
                          .latched_value = r.latched_value,
                          .status_latched = r.status_latched,
                          .latched_status = r.latched_status};
  }
}

bool Pit8254::counting(const Channel& c) const {
  return c.loaded && (!triggered_by_gate(c.mode) || c.triggered);
}

u64 Pit8254::elapsed(const Channel& c, i64 now) const {
  return ticks_in(c.paused_at >= 0 ? c.paused_at : now - c.start, kHertz);
}

u16 Pit8254::value(const Channel& c, i64 now) const {
  const u32 modulus = c.bcd ? 10000 : 0x10000;
  u32 v = c.count;
  if (counting(c)) {
    const u64 d = elapsed(c, now);
    if (c.mode == 2)
      v = c.count - static_cast<u32>(d % c.count);
    else if (c.mode == 3)
      v = c.count - static_cast<u32>(2 * d % c.count);
    else
      v = static_cast<u32>((c.count + modulus - d % modulus) % modulus);
  }
  v %= modulus;
  return c.bcd ? to_bcd(v) : static_cast<u16>(v);
}

bool Pit8254::output(const Channel& c, i64 now) const {
  if (!counting(c)) return c.mode != 0;
  const u64 d = elapsed(c, now);
  switch (c.mode) {
    case 0:
      return !c.write_high && d >= c.count;
    case 1:
      return d >= c.count;
    case 2:
      return !c.gate || d % c.count != c.count - 1;
    case 3:
      return !c.gate || d % c.count < (c.count + 1) / 2;
    default:
      return d != c.count;
  }
}

void Pit8254::start(Channel& c, i64 now) {
  if (c.next_count != 0) c.count = c.next_count;
  c.next_count = 0;
  c.start = now;
  c.paused_at = !c.gate && stands_still_without_gate(c.mode) ? 0 : -1;
}

void Pit8254::set_gate(Channel& c, bool gate) {
  if (gate == c.gate) return;
  const i64 now = clock_.now();
  take_next_count(c, now);
  c.gate = gate;
  if (!c.loaded) return;
  if (!gate) {
    if (stands_still_without_gate(c.mode) && c.paused_at < 0)
      c.paused_at = std::max<i64>(0, now - c.start);
  } else if (!stands_still_without_gate(c.mode) || periodic(c.mode)) {
    c.triggered = true;
    start(c, now);
  } else if (!c.write_high) {
    c.start = now - std::max<i64>(0, c.paused_at);
    c.paused_at = -1;
  }
}

// A period that is over by now was the last with the old count.
void Pit8254::take_next_count(Channel& c, i64 now) {
  if (c.next_count == 0 || !periodic(c.mode) || c.paused_at >= 0) return;
  if (elapsed(c, now) < c.switch_at) return;
  if (&c == state_.channels.data()) state_.next_edge -= std::min(state_.next_edge, c.switch_at);
  start(c, c.start + nanoseconds_for(c.switch_at, kHertz));
}

// What a count does that is written while the counter runs. [Intel 8254 datasheet, "Mode
// Definitions"]
void Pit8254::load(Channel& c, u16 raw) {
  const i64 now = clock_.now();
  take_next_count(c, now);
  u32 count = c.bcd ? from_bcd(raw) : raw;
  if (count == 0) count = c.bcd ? 10000 : 0x10000;
  if (count == 1 && periodic(c.mode)) count = 2;  // 1 is not allowed there
  const bool first = !c.loaded;
  c.loaded = true;
  c.next_count = count;
  if (!first && triggered_by_gate(c.mode)) return;  // for the next trigger
  if (!first && periodic(c.mode)) {
    c.switch_at = (elapsed(c, now) / c.count + 1) * c.count;
    if (&c != state_.channels.data()) return;
    // Ticks that are overdue belong to the old count.
    state_.next_edge = c.switch_at;
    return arm(now);
  }
  if (triggered_by_gate(c.mode)) {
    c.count = c.next_count;
    return;
  }
  start(c, now);
  if (&c == state_.channels.data()) {
    if (c.mode == 0) output0_.lower();
    schedule();
  }
}

// In mode 0 the first of two bytes stops the counter and lowers its output.
void Pit8254::write_first_byte(Channel& c, u8 value) {
  c.write_low = value;
  c.write_high = true;
  if (c.mode != 0 || !c.loaded) return;
  if (c.paused_at < 0) c.paused_at = std::max<i64>(0, clock_.now() - c.start);
  if (&c != state_.channels.data()) return;
  timer_.cancel();
  output0_.lower();
}

void Pit8254::write_control(u8 value) {
  const unsigned select = value >> 6;
  if (select == 3) {
    read_back(value);
    return;
  }
  Channel& c = state_.channels[select];
  const u8 access = value >> 4 & 3;
  if (access == 0) {
    latch_value(c);
    return;
  }
  const bool gate = c.gate;
  c = Channel{};
  c.gate = gate;
  c.control = value & 0x3f;
  c.access = access;
  c.mode = value >> 1 & 7;
  if (c.mode > 5) c.mode &= 3;  // bit 2 is ignored for modes 2 and 3
  c.bcd = (value & 1) != 0;
  if (select == 0) {
    timer_.cancel();
    output0_.set(c.mode != 0);
  }
}

void Pit8254::read_back(u8 value) {
  for (unsigned n = 0; n < 3; ++n) {
    Channel& c = state_.channels[n];
    if ((value >> (n + 1) & 1) == 0) continue;
    if ((value & 0x20) == 0) latch_value(c);
    if ((value & 0x10) == 0 && !c.status_latched) {
      const i64 now = clock_.now();
      take_next_count(c, now);
      // The count that was written last is not yet in the counter.
      const bool null_count = !c.loaded || c.next_count != 0;
      c.status_latched = true;
      c.latched_status =
          static_cast<u8>(c.control | (output(c, now) ? 0x80 : 0) | (null_count ? 0x40 : 0));
    }
  }
}

void Pit8254::latch_value(Channel& c) {
  if (c.value_latched) return;
  const i64 now = clock_.now();
  take_next_count(c, now);
  c.value_latched = true;
  c.latched_value = value(c, now);
}

u8 Pit8254::read_counter(Channel& c) {
  if (c.status_latched) {
    c.status_latched = false;
    return c.latched_status;
  }
  const i64 now = clock_.now();
  take_next_count(c, now);
  const u16 v = c.value_latched ? c.latched_value : value(c, now);
  const bool high = c.access == kHigh || (c.access == kLowThenHigh && c.read_high);
  if (c.access == kLowThenHigh) c.read_high = !c.read_high;
  if (c.access != kLowThenHigh || high) c.value_latched = false;
  return static_cast<u8>(high ? v >> 8 : v);
}

u8 Pit8254::read(unsigned port) { return port < 3 ? read_counter(state_.channels[port]) : 0xff; }

void Pit8254::write(unsigned port, u8 value) {
  if (port >= 3) {
    write_control(value);
    return;
  }
  Channel& c = state_.channels[port];
  switch (c.access) {
    case kLow:
      load(c, value);
      break;
    case kHigh:
      load(c, static_cast<u16>(value << 8));
      break;
    default:
      if (!c.write_high) {
        write_first_byte(c, value);
      } else {
        c.write_high = false;
        load(c, static_cast<u16>(value << 8 | c.write_low));
      }
      break;
  }
}

std::optional<PolledOutput::Wait> Pit8254::output2_wait() const {
  const Channel& c = state_.channels[2];
  if (c.mode != 0 || c.write_high || c.paused_at >= 0 || !counting(c)) return std::nullopt;
  return PolledOutput::Wait{.begins = c.start, .ends = c.start + nanoseconds_for(c.count, kHertz)};
}

bool Pit8254::output2() {
  const i64 now = clock_.now();
  take_next_count(state_.channels[2], now);
  return output(state_.channels[2], now);
}

// Arms the timer for the first rising edge of OUT0 after a count was loaded.
void Pit8254::schedule() {
  const Channel& c = state_.channels[0];
  timer_.cancel();
  if (!counting(c)) return;
  state_.next_edge = c.count;
  state_.stalled = false;
  arm(clock_.now());
}

// For the next edge, or soon if that is over.
void Pit8254::arm(i64 now) {
  const Channel& c = state_.channels[0];
  const i64 period = periodic(c.mode) ? nanoseconds_for(c.count, kHertz) : 0;
  timer_.arm_at(delivery_time(c.start + nanoseconds_for(state_.next_edge, kHertz), period, now));
}

void Pit8254::fire() {
  Channel& c = state_.channels[0];
  const i64 now = clock_.now();
  take_next_count(c, now);
  const bool repeats = periodic(c.mode);
  const bool discard = lost_ticks_ == LostTickPolicy::Discard;
  const bool wait = repeats && !discard && pending_ && pending_();
  if (!wait) {
    output0_.lower();
    output0_.raise();
    state_.next_edge += c.count;
    state_.stalled = false;
  }
  if (!repeats) return;
  constexpr u64 kMostOverdueTicks = kMostOverdue * kHertz / kNanosecondsPerSecond;
  const u64 d = elapsed(c, now);
  if (d > state_.next_edge + kMostOverdueTicks || (state_.stalled && wait) ||
      (discard && d >= state_.next_edge)) {
    state_.next_edge = (d / c.count + 1) * c.count;
    state_.stalled = true;
  }
  arm(now);
}

}  // namespace backplane::pc
