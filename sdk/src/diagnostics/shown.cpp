// SPDX-License-Identifier: MIT
#include "backplane/shown.h"

#include "backplane/types.h"

namespace backplane {

namespace {

// Of a text that is too long, this much of it at either side.
constexpr std::size_t kBeginning = 160, kEnd = 48;
static_assert(kBeginning + kEnd < kLongestShown);

constexpr bool continues(char c) { return (static_cast<u8>(c) & 0xc0) == 0x80; }

// The length of the character that `text` begins with, or 0 if that is none in UTF-8.
// [RFC 3629 "Syntax of UTF-8 Byte Sequences"]
std::size_t character_length(std::string_view text) {
  const u8 first = static_cast<u8>(text[0]);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
  for (std::size_t n = 1; n < length; ++n)
    if (!continues(text[n])) return 0;
  const u8 second = static_cast<u8>(text[1]);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool surrogate = first == 0xed && second > 0x9f;
  const bool beyond = first == 0xf4 && second > 0x8f;
  return overlong || surrogate || beyond ? 0 : length;
}

// Control characters of ASCII, and of Latin-1 (U+0080 to U+009F).
bool is_control(std::string_view character) {
  const u8 first = static_cast<u8>(character[0]);
  if (character.size() == 1) return first < 0x20 || first == 0x7f;
  return first == 0xc2 && static_cast<u8>(character[1]) < 0xa0;
}

void append_escape(std::string& out, char c) {
  switch (c) {
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    default:
      out += fmt::format("\\x{:02x}", static_cast<u8>(c));
  }
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const std::string_view character = text.substr(0, length == 0 ? 1 : length);
    if (length == 0 || is_control(character))
      for (const char c : character) append_escape(out, c);
    else
      out += character;
    text.remove_prefix(character.size());
  }
  return out;
}

std::string shown(std::string_view text) {
  if (text.size() <= kLongestShown) return printable(text);
  // Whole characters at both cuts.
  std::size_t beginning = kBeginning, end = text.size() - kEnd;
  while (beginning > kBeginning - 3 && continues(text[beginning])) --beginning;
  while (end < text.size() - kEnd + 3 && continues(text[end])) ++end;
  return fmt::format("{}[{} more bytes]{}", printable(text.substr(0, beginning)), end - beginning,
                     printable(text.substr(end)));
}

}  // namespace backplane
