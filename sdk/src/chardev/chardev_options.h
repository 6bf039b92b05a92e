// SPDX-License-Identifier: MIT
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace backplane {

// The key=value options of one chardev, taken one by one by the kind that knows them.
class ChardevOptions {
 public:
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  // Throws Error if a key is given twice.
  ChardevOptions(std::string kind, const Pairs& pairs);

  std::optional<std::string> take(const std::string& key);
  // Throws Error if it is missing or empty.
  std::string take_required(const std::string& key, const std::string& what_for);
  // "on" and "off", also "yes", "no", "true", "false", and a key without a value for "on".
  bool take_flag(const std::string& key, bool default_value);
  // Throws Error unless it is a decimal number up to `maximum`.
  unsigned take_number(const std::string& key, unsigned default_value, unsigned maximum);
  // Throws Error naming an option that nobody took.
  void finish() const;

 private:
  std::string kind_;
  Pairs pairs_;
  std::vector<std::string> known_;
};

}  // namespace backplane
