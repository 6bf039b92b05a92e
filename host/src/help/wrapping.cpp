// SPDX-License-Identifier: MIT
#include "help/wrapping.h"

#include <unistd.h>

#include <algorithm>

namespace backplane::host {

namespace {

void add_wrapped(std::string& out, std::string_view line, std::size_t columns) {
  std::size_t first = std::min(line.find_first_not_of(' '), line.size());
  const std::string continued(first + 4, ' ');
  std::size_t room = columns;
  while (line.size() > room) {
    std::size_t space = line.rfind(' ', room);
    if (space == std::string_view::npos || space <= first) space = line.find(' ', room);
    const std::size_t next = line.find_first_not_of(' ', space);
    if (next == std::string_view::npos) break;
    const std::string_view piece = line.substr(0, space);
    out += piece.substr(0, piece.find_last_not_of(' ') + 1);
    out += "\n" + continued;
    line.remove_prefix(next);
    room = columns > continued.size() ? columns - continued.size() : 1;
    first = 0;
  }
  out += line;
}

}  // namespace

std::string wrapped(std::string_view text, std::size_t columns) {
  std::string out;
  while (!text.empty()) {
    const std::size_t newline = text.find('\n');
    add_wrapped(out, text.substr(0, newline), columns);
    if (newline == std::string_view::npos) break;
    out += '\n';
    text.remove_prefix(newline + 1);
  }
  return out;
}

std::string for_output(std::string text) {
  return isatty(STDOUT_FILENO) != 0 ? wrapped(text, kColumns) : std::move(text);
}

}  // namespace backplane::host
