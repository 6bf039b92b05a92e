// SPDX-License-Identifier: MIT
// Command lines for tests, split as a shell would split words without quotes.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "options/option_table.h"

namespace backplane::host {

inline CommandLine command_line(const std::string& words) {
  std::istringstream stream(words);
  std::vector<std::string> arguments;
  for (std::string word; stream >> word;) arguments.push_back(word);
  return option_table().parse(arguments);
}

// The message that fn's Error has, or "no error".
template <class Fn>
std::string message_of(Fn&& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace backplane::host
