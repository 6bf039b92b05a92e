// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace backplane {

// A character device as -serial and -monitor write it, in the parts that -chardev has.
struct ChardevParts {
  std::string kind;
  std::vector<std::pair<std::string, std::string>> options;
};

// "null", "none", "stdio", "pty", "pty:LINK", "file:PATH", "pipe:PATH", "unix:PATH" and
// "tcp:[HOST]:PORT", those with a colon followed by any ",KEY=VALUE" of that kind. Two commas stand
// for one of a path. Throws Error.
ChardevParts parse_short_form(const std::string& text);

}  // namespace backplane
