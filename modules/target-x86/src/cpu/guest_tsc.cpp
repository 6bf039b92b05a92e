// SPDX-License-Identifier: MIT
#include "guest_tsc.h"

#include <algorithm>

namespace backplane::x86 {

namespace {

constexpr u64 kSecond = 1'000'000'000;
// A processor asks again after this long: so it learns of a timer that was armed meanwhile.
constexpr i64 kLongestReading = 1'000'000;  // nanoseconds
// Two readings of the host's counter are one moment if they are no further apart.
constexpr u64 kTight = 1000;

__extension__ using Wide = __int128;

i64 scale(i64 value, u64 numerator, u64 denominator) {
  return static_cast<i64>(Wide{value} * static_cast<Wide>(numerator) /
                          static_cast<Wide>(denominator));
}

}  // namespace

GuestTsc::GuestTsc(Clock& clock, Number frequency, Number host_counter)
    : clock_(clock), frequency_(std::move(frequency)), host_counter_(std::move(host_counter)) {
  anchor_ = host_now();
  clock_.set_pause_hook([this](i64 stood_still) { clock_changed(stood_still); });
}

GuestTsc::~GuestTsc() { clock_.set_pause_hook({}); }

void GuestTsc::add_reader(X86State& state) { readers_.push_back(&state); }
void GuestTsc::remove_reader(X86State& state) { std::erase(readers_, &state); }

// Both clocks at one moment: the tightest of a few readings, unless the first is tight enough.
GuestTsc::Moment GuestTsc::host_now() const {
  Moment best;
  u64 best_width = ~u64{0};
  for (unsigned attempt = 0; attempt < 5 && best_width > kTight; ++attempt) {
    const u64 before = host_counter_();
    const i64 time = clock_.host_time();
    const u64 width = host_counter_() - before;
    if (width >= best_width) continue;
    best_width = width;
    best = {before + width / 2, time};
  }
  return best;
}

// The rate is measured over the time that contains the nanoseconds: those of a pause of hours come
// out as exact as both clocks are read.
i64 GuestTsc::ticks_in(i64 nanoseconds, const Moment& now) const {
  const i64 elapsed = now.time - anchor_.time;
  if (nanoseconds > elapsed || elapsed <= 0) return scale(nanoseconds, frequency_(), kSecond);
  return scale(nanoseconds, now.counter - anchor_.counter, static_cast<u64>(elapsed));
}

void GuestTsc::clock_changed(i64 stood_still) {
  const Moment now = host_now();
  if (!clock_.running()) {
    stopped_ = true;
    stopped_value_ = now.counter + static_cast<u64>(offset_);
  } else if (stopped_) {
    stopped_ = false;
    offset_ = static_cast<i64>(stopped_value_ - now.counter);
    shown_ = stopped_value_;
  } else {
    offset_ -= ticks_in(stood_still, now);
    // Not back, by the inexactness of reading two clocks.
    if (now.counter + static_cast<u64>(offset_) < shown_)
      offset_ = static_cast<i64>(shown_ - now.counter);
  }
  anchor_ = now;
  for (X86State* reader : readers_) reader->tsc_valid_until = 0;
}

void GuestTsc::set(u64 value) { stopped_value_ = shown_ = value; }

GuestTsc::Reading GuestTsc::read() {
  if (!clock_.follows_host())
    return {.value = static_cast<u64>(scale(clock_.now(), frequency_(), kSecond))};
  if (stopped_) return {.value = stopped_value_, .offset = offset_};
  const Moment now = host_now();
  const i64 room = clock_.room_at(now.time);
  Reading reading{.value = now.counter + static_cast<u64>(offset_), .offset = offset_};
  if (room <= 0) {
    reading.value = std::max(reading.value - static_cast<u64>(ticks_in(-room, now)), shown_);
    shown_ = reading.value;
    return reading;
  }
  const i64 window = scale(std::min(room, kLongestReading), frequency_(), kSecond);
  reading.valid_until = now.counter + static_cast<u64>(window);
  shown_ = std::max(shown_, reading.value + static_cast<u64>(window));
  anchor_ = now;
  return reading;
}

}  // namespace backplane::x86
