// SPDX-License-Identifier: MIT
// Numbers and bytes as the remote protocol writes them, and reading a packet from left to right.
// [GDB "Remote Protocol: Overview"]
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/types.h"

namespace backplane::host::gdb {

std::string to_hex(std::span<const u8> bytes);
inline std::string to_hex(std::string_view text) {
  return to_hex({reinterpret_cast<const u8*>(text.data()), text.size()});
}
// Nothing if there is a character that is no hex digit, or half a byte.
std::optional<std::vector<u8>> from_hex(std::string_view text);
std::optional<unsigned> hex_digit(char c);

// What is left of a packet.
class PacketText {
 public:
  explicit PacketText(std::string_view text) : left_(text) {}

  bool empty() const { return left_.empty(); }
  std::string_view rest() const { return left_; }
  // Takes it if it comes next.
  bool take(std::string_view expected);
  // All up to a separator, which is taken too, or to the end.
  std::string_view take_until(char separator);
  // At least one digit, of a number of 64 bits.
  std::optional<u64> take_number();

 private:
  std::string_view left_;
};

}  // namespace backplane::host::gdb
