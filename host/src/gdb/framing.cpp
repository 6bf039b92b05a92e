// SPDX-License-Identifier: MIT
#include "gdb/framing.h"

#include <fmt/format.h>

#include "gdb/hex.h"

namespace backplane::host::gdb {

namespace {
constexpr u8 kInterrupt = 3, kEscape = '}', kEscapeMask = 0x20;
}

std::string framed(std::string_view text) {
  std::string packet = "$";
  u8 sum = 0;
  const auto add = [&](char c) {
    packet += c;
    sum = static_cast<u8>(sum + static_cast<u8>(c));
  };
  for (const char c : text) {
    if (c == '$' || c == '#' || c == '*' || c == '}') {
      add(kEscape);
      add(static_cast<char>(c ^ kEscapeMask));
    } else {
      add(c);
    }
  }
  return packet + fmt::format("#{:02x}", sum);
}

std::optional<PacketReader::Event> PacketReader::take(u8 byte) {
  switch (state_) {
    case State::Between:
      if (byte == '$') {
        reset();
        state_ = State::Text;
      } else if (byte == '+') {
        return Event::Accepted;
      } else if (byte == '-') {
        return Event::Rejected;
      } else if (byte == kInterrupt) {
        return Event::Interrupt;
      }
      return std::nullopt;
    case State::Text:
      if (byte == '#') {
        state_ = State::FirstDigit;
        return std::nullopt;
      }
      if (byte == '$') {
        // The one before was broken off.
        reset();
        state_ = State::Text;
        return std::nullopt;
      }
      sum_ = static_cast<u8>(sum_ + byte);
      if (byte == kEscape)
        state_ = State::Escaped;
      else
        add(byte);
      return std::nullopt;
    case State::Escaped:
      sum_ = static_cast<u8>(sum_ + byte);
      add(byte ^ kEscapeMask);
      state_ = State::Text;
      return std::nullopt;
    case State::FirstDigit:
      first_digit_ = byte;
      state_ = State::SecondDigit;
      return std::nullopt;
    case State::SecondDigit:
      return end(byte);
  }
  return std::nullopt;
}

void PacketReader::add(u8 byte) {
  if (text_.size() == kLongestPacket) too_long_ = true;
  if (!too_long_) text_ += static_cast<char>(byte);
}

PacketReader::Event PacketReader::end(u8 second_digit) {
  state_ = State::Between;
  const auto high = hex_digit(static_cast<char>(first_digit_));
  const auto low = hex_digit(static_cast<char>(second_digit));
  if (!high || !low || (*high << 4 | *low) != sum_) return Event::Damaged;
  return too_long_ ? Event::TooLong : Event::Packet;
}

}  // namespace backplane::host::gdb
