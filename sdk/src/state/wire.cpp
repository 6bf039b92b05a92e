// SPDX-License-Identifier: MIT
// Values as bytes, and back with their checks.
#include <algorithm>

#include "backplane/state.h"

namespace backplane {

void StateWriter::number(u64 value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) bytes_.push_back(static_cast<u8>(value >> (8 * i)));
}

void StateWriter::text(std::string_view text) {
  number(text.size(), 4);
  bytes_.insert(bytes_.end(), text.begin(), text.end());
}

std::size_t StateWriter::begin() {
  number(0, 4);
  return bytes_.size();
}

void StateWriter::end(std::size_t piece) {
  const std::size_t size = bytes_.size() - piece;
  for (unsigned i = 0; i < 4; ++i) bytes_[piece - 4 + i] = static_cast<u8>(size >> (8 * i));
}

std::span<const u8> StateReader::take(u64 size) {
  if (size > bytes_.size())
    throw Error::of("{} bytes are wanted, {} are there", size, bytes_.size());
  const std::span<const u8> taken = bytes_.first(size);
  bytes_ = bytes_.subspan(size);
  return taken;
}

u64 StateReader::number(unsigned bytes) {
  u64 value = 0;
  const std::span<const u8> taken = take(bytes);
  for (unsigned i = 0; i < bytes; ++i) value |= u64{taken[i]} << (8 * i);
  return value;
}

std::string StateReader::text() {
  const std::span<const u8> taken = take(number(4));
  return {taken.begin(), taken.end()};
}

StateReader StateReader::piece() { return StateReader(take(number(4))); }

void StateReader::expect_end() const {
  if (!bytes_.empty()) throw Error::of("{} bytes too many", bytes_.size());
}

namespace detail {

i64 check_limits(i64 value, const StateLimits& limits) {
  if (limits.numbers && (value < limits.least || value > limits.most))
    throw Error::of("{}: expects {} to {}", value, limits.least, limits.most);
  return value;
}

bool read_bool(StateReader& from) {
  const u64 value = from.number(1);
  if (value > 1) throw Error::of("{}: expects 0 or 1", value);
  return value != 0;
}

std::size_t read_count(StateReader& from, std::size_t present, const StateLimits& limits) {
  const u64 count = from.number(4);
  if (limits.elements == 0 && count != present)
    throw Error::of("{} elements: expects {}", count, present);
  if (limits.elements != 0 && count > limits.elements)
    throw Error::of("{} elements: expects at most {}", count, limits.elements);
  return static_cast<std::size_t>(count);
}

void save_timer(const Timer& timer, StateWriter& to) {
  to.number(static_cast<u64>(timer.deadline()), 8);
}

void load_timer(Timer& timer, StateReader& from) {
  const i64 deadline =
      check_limits(static_cast<i64>(from.number(8)), within(-1, std::numeric_limits<i64>::max()));
  if (deadline < 0)
    timer.cancel();
  else
    timer.arm_at(deadline);
}

Value describe_timer(const Timer& timer) {
  return timer.armed() ? Value(timer.deadline()) : Value();
}

}  // namespace detail

}  // namespace backplane
