// SPDX-License-Identifier: MIT
#include "chardev/chardev_options.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "backplane/error.h"

namespace backplane {

ChardevOptions::ChardevOptions(std::string kind, const Pairs& pairs)
    : kind_(std::move(kind)), pairs_(pairs) {
  for (auto pair = pairs_.begin(); pair != pairs_.end(); ++pair)
    if (std::any_of(pairs_.begin(), pair, [&](const auto& p) { return p.first == pair->first; }))
      throw Error::of("{}: {} is given twice", kind_, pair->first);
}

std::optional<std::string> ChardevOptions::take(const std::string& key) {
  known_.push_back(key);
  const auto pair =
      std::find_if(pairs_.begin(), pairs_.end(), [&](const auto& p) { return p.first == key; });
  if (pair == pairs_.end()) return std::nullopt;
  std::string value = std::move(pair->second);
  pairs_.erase(pair);
  return value;
}

std::string ChardevOptions::take_required(const std::string& key, const std::string& what_for) {
  const std::string value = take(key).value_or("");
  if (value.empty()) throw Error::of("{}: {} is missing: expects {}", kind_, key, what_for);
  return value;
}

bool ChardevOptions::take_flag(const std::string& key, bool default_value) {
  const auto value = take(key);
  if (!value) return default_value;
  if (*value == "on" || *value == "yes" || *value == "true" || value->empty()) return true;
  if (*value == "off" || *value == "no" || *value == "false") return false;
  throw Error::of("{}: {}={}: expects on or off", kind_, key, *value);
}

unsigned ChardevOptions::take_number(const std::string& key, unsigned default_value,
                                     unsigned maximum) {
  const auto value = take(key);
  if (!value) return default_value;
  unsigned number = 0;
  const char* const end = value->data() + value->size();
  const auto result = std::from_chars(value->data(), end, number);
  if (result.ec != std::errc() || result.ptr != end || number > maximum)
    throw Error::of("{}: {}={}: expects a number from 0 to {}", kind_, key, *value, maximum);
  return number;
}

void ChardevOptions::finish() const {
  if (pairs_.empty()) return;
  const std::string& key = pairs_.front().first;
  if (known_.empty()) throw Error::of("{} has no option {}: it has none", kind_, key);
  throw Error::of("{} has no option {}: it has {}", kind_, key, fmt::join(known_, ", "));
}

}  // namespace backplane
