// SPDX-License-Identifier: MIT
#include "options/values.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

namespace backplane::host {

bool take_flag(KeyValueList& values, std::string_view key, bool otherwise) {
  return values.take_as<bool>(key).value_or(otherwise);
}

unsigned take_number(KeyValueList& values, std::string_view key, unsigned min, unsigned max,
                     unsigned otherwise) {
  const auto value = values.take(key);
  if (!value) return otherwise;
  unsigned number = 0;
  const char* const end = value->data() + value->size();
  const auto [stop, problem] = std::from_chars(value->data(), end, number);
  if (problem != std::errc{} || stop != end || number < min || number > max)
    throw Error::of("{}='{}': expects a whole number from {} to {}", key, *value, min, max);
  return number;
}

std::string take_choice(KeyValueList& values, std::string_view key,
                        const std::vector<std::string_view>& choices) {
  const auto value = values.take(key);
  if (!value) return std::string(choices.front());
  if (std::find(choices.begin(), choices.end(), *value) == choices.end())
    throw Error::of("{}='{}': expects {}", key, *value, fmt::join(choices, ", "));
  return *value;
}

bool is_help(std::string_view word) { return word == "help" || word == "?"; }

bool asks_for_help(const KeyValueList& values) {
  return std::any_of(values.begin(), values.end(), [](const KeyValue& item) {
    const std::string& word = item.implied ? item.value : item.key;
    return (item.implied || item.flag) && is_help(word);
  });
}

}  // namespace backplane::host
