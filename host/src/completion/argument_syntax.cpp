// SPDX-License-Identifier: MIT
#include "completion/argument_syntax.h"

#include <algorithm>
#include <cctype>

namespace backplane::host {

namespace {

bool is_capital(char c) { return std::isupper(static_cast<unsigned char>(c)) != 0; }

// The parts between separators, empty ones left out.
std::vector<std::string_view> parts_of(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(separator), text.size());
    if (end != 0) parts.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return parts;
}

// "utc|SECONDS|unix:PATH": "utc" and "unix:".
Alternatives alternatives_of(std::string_view text) {
  Alternatives found;
  for (std::string_view word : parts_of(text, '|')) {
    word = word.substr(0, word.find("..."));
    const auto capital = std::ranges::find_if(word, is_capital);
    const std::string begin(word.begin(), capital);
    if (capital == word.end() ? !begin.empty() : begin.ends_with(':')) found.push_back(begin);
  }
  return found;
}

}  // namespace

ArgumentSyntax parse_argument_syntax(std::string_view argument) {
  ArgumentSyntax syntax;
  std::string text(argument);
  // "[type=]NAME": the key may be left out.
  const bool implied = text.starts_with('[') && text.find("=]") < text.find(',');
  std::erase_if(text, [](char c) { return c == '[' || c == ']'; });
  bool first = true;
  for (const std::string_view element : parts_of(text, ',')) {
    const std::size_t equals = element.find('=');
    const std::string_view name = element.substr(0, equals);
    const Alternatives values =
        alternatives_of(equals == std::string_view::npos ? element : element.substr(equals + 1));
    if (first && (implied || equals == std::string_view::npos))
      syntax.first = values;
    else if (equals != std::string_view::npos && std::ranges::none_of(name, is_capital))
      syntax.keys.push_back({std::string(name), values});
    first = false;
  }
  return syntax;
}

}  // namespace backplane::host
