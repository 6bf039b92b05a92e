// SPDX-License-Identifier: MIT
#include "gdb/hex.h"

namespace backplane::host::gdb {

std::optional<unsigned> hex_digit(char c) {
  if (c >= '0' && c <= '9') return static_cast<unsigned>(c - '0');
  if (c >= 'a' && c <= 'f') return static_cast<unsigned>(c - 'a') + 10;
  if (c >= 'A' && c <= 'F') return static_cast<unsigned>(c - 'A') + 10;
  return std::nullopt;
}

std::string to_hex(std::span<const u8> bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const u8 byte : bytes) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 0xf];
  }
  return text;
}

std::optional<std::vector<u8>> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<u8> bytes;
  bytes.reserve(text.size() / 2);
  for (std::size_t n = 0; n < text.size(); n += 2) {
    const auto high = hex_digit(text[n]), low = hex_digit(text[n + 1]);
    if (!high || !low) return std::nullopt;
    bytes.push_back(static_cast<u8>(*high << 4 | *low));
  }
  return bytes;
}

bool PacketText::take(std::string_view expected) {
  if (!left_.starts_with(expected)) return false;
  left_.remove_prefix(expected.size());
  return true;
}

std::string_view PacketText::take_until(char separator) {
  const std::size_t at = left_.find(separator);
  const std::string_view taken = left_.substr(0, at);
  left_.remove_prefix(at == std::string_view::npos ? left_.size() : at + 1);
  return taken;
}

std::optional<u64> PacketText::take_number() {
  u64 value = 0;
  std::size_t digits = 0;
  for (; digits < left_.size(); ++digits) {
    const auto digit = hex_digit(left_[digits]);
    if (!digit) break;
    if (value >> 60 != 0) return std::nullopt;
    value = value << 4 | *digit;
  }
  if (digits == 0) return std::nullopt;
  left_.remove_prefix(digits);
  return value;
}

}  // namespace backplane::host::gdb
