// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <cmath>

#include "backplane/json.h"

namespace backplane {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

// The length of the well-formed sequence that the text begins with; 0 if there is none.
// [Unicode Standard, table 3-7 "Well-Formed UTF-8 Byte Sequences"]
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t n) {
    return n < text.size() ? static_cast<u8>(text[n]) : u8{0};
  };
  const auto continues = [&](std::size_t n) { return (byte(n) & 0xc0) == 0x80; };
  const u8 first = byte(0), second = byte(1);
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return continues(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool overlong = first == 0xe0 && second < 0xa0;
    const bool surrogate = first == 0xed && second > 0x9f;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool overlong = first == 0xf0 && second < 0x90;
    const bool beyond = first == 0xf4 && second > 0x8f;
    return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

void write_string(std::string_view text, std::string& json) {
  json += '"';
  while (!text.empty()) {
    const std::size_t length = sequence_length(text);
    const char c = text.front();
    if (length == 0)
      json += kReplacement;
    else if (c == '"' || c == '\\')
      json += {'\\', c};
    else if (c == '\n')
      json += "\\n";
    else if (static_cast<u8>(c) < 0x20 || c == 0x7f)
      json += fmt::format("\\u{:04x}", static_cast<u8>(c));
    else
      json += text.substr(0, length);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  json += '"';
}

// There is no infinity in JSON, and nothing that is no number. What could be taken for a whole
// number gets a fraction.
std::string number_text(double value) {
  if (!std::isfinite(value)) return "null";
  const std::string text = fmt::format("{}", value);
  return text.find_first_of(".e") == std::string::npos ? text + ".0" : text;
}

void write(const Value& value, std::string& json) {
  switch (value.kind()) {
    case Value::Kind::Null:
      json += "null";
      break;
    case Value::Kind::Boolean:
      json += value.as_bool() ? "true" : "false";
      break;
    case Value::Kind::Integer:
      json += value.as_number() < 0 ? std::to_string(value.as_signed())
                                    : std::to_string(value.as_unsigned());
      break;
    case Value::Kind::Number:
      json += number_text(value.as_number());
      break;
    case Value::Kind::String:
      write_string(value.as_string(), json);
      break;
    case Value::Kind::List: {
      json += '[';
      std::string_view separator;
      for (const Value& element : value.as_list()) {
        json += separator;
        write(element, json);
        separator = ", ";
      }
      json += ']';
      break;
    }
    case Value::Kind::Record: {
      json += '{';
      std::string_view separator;
      for (const Value::Field& field : value.as_record()) {
        json += separator;
        write_string(field.name, json);
        json += ": ";
        write(field.value, json);
        separator = ", ";
      }
      json += '}';
      break;
    }
  }
}

}  // namespace

std::string to_json(const Value& value) {
  std::string json;
  write(value, json);
  return json;
}

}  // namespace backplane
