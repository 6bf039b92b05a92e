// SPDX-License-Identifier: MIT
// Command lines for tests, split as a shell would split words without quotes.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "options/configuration.h"
#include "options/option_table.h"

namespace backplane::host {

inline CommandLine command_line(const std::string& words) {
  std::istringstream stream(words);
  std::vector<std::string> arguments;
  for (std::string word; stream >> word;) arguments.push_back(word);
  return option_table().parse(arguments);
}

// What the words ask for, but for what takes effect at once. Refers to `line`.
struct Asked {
  explicit Asked(const std::string& words) : line(command_line(words)) {
    apply_options(line, OptionPass::Main, configuration);
  }
  Configuration configuration;
  const CommandLine line;
};

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
