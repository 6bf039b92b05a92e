// SPDX-License-Identifier: MIT
// Packets of the remote protocol: "$TEXT#CHECKSUM", what acknowledges them, and the interrupt.
// [GDB "Remote Protocol: Overview"]
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backplane/types.h"

namespace backplane::host::gdb {

// Of what a packet carries, escaped. More is read, and forgotten.
inline constexpr std::size_t kLongestPacket = 0x4000;

// A packet with that text, escaped as it has to be.
std::string framed(std::string_view text);

// Takes bytes as they come, in pieces of any size.
class PacketReader {
 public:
  enum class Event : u8 {
    Packet,     // text() is what it carries
    TooLong,    // it would have been one
    Damaged,    // its checksum is wrong, or none
    Accepted,   // '+'
    Rejected,   // '-'
    Interrupt,  // Ctrl-C
  };
  // The event that the byte completes, or nothing. Bytes between packets that mean nothing are
  // skipped.
  std::optional<Event> take(u8 byte);
  const std::string& text() const { return text_; }
  void reset() { *this = PacketReader(); }

 private:
  enum class State : u8 { Between, Text, Escaped, FirstDigit, SecondDigit };
  void add(u8 byte);
  Event end(u8 second_digit);

  State state_ = State::Between;
  std::string text_;
  bool too_long_ = false;
  u8 sum_ = 0;
  u8 first_digit_ = 0;
};

}  // namespace backplane::host::gdb
