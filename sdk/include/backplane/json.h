// SPDX-License-Identifier: MIT
// JSON text from values, and values from JSON text, whoever wrote it. [RFC 8259]
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backplane/value.h"

namespace backplane {

// On one line. Strings that are not UTF-8 get U+FFFD where they are not.
std::string to_json(const Value& value);

// One value, and nothing behind it. Throws Error saying what is wrong with the text, and where. A
// record that names a field twice, and what is nested deeper than kMostNested, is refused.
inline constexpr unsigned kMostNested = 1024;
Value parse_json(std::string_view text);

// Cuts a stream into the texts of records that follow one another, with any space between them.
// What begins with something else ends at the end of its line. Whatever comes, it takes no more
// memory than the longest text.
class JsonSplitter {
 public:
  explicit JsonSplitter(std::size_t longest) : longest_(longest) {}

  // Takes the next byte. A text if it is complete with that one: to be parsed, which fails if it is
  // none. Throws Error when a text is longer than allowed; what is left of that one, up to the end
  // of its line, is not seen.
  std::optional<std::string> take(char byte);
  // Forgets what has come of the next text.
  void clear();

 private:
  std::size_t longest_;
  std::string text_;
  unsigned depth_ = 0;
  bool in_string_ = false;
  bool escaped_ = false;
  bool skipping_ = false;
};

}  // namespace backplane
