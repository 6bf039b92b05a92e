// SPDX-License-Identifier: MIT
#include "roff.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace backplane::manual {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool at_begin = out.empty() || out.back() == '\n';
    // A line that begins so is a request.
    if (at_begin && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\')
      out += "\\e";
    else if (c == '-')
      out += "\\-";
    else if (c == '\'')
      out += "\\(aq";
    else if (c == '^')
      out += "\\(ha";
    else if (c == '~')
      out += "\\(ti";
    else if (c == '`')
      out += "\\(ga";
    else
      out += c;
  }
  return out;
}

std::string escaped_usage(std::string_view text) {
  std::string out;
  for (const char c : escaped(text)) {
    // In front of what begins a part, behind what ends one.
    if (c == '[') out += "\\:";
    out += c;
    if (c == ',' || c == '|' || c == ':' || c == '=') out += "\\:";
  }
  return out;
}

std::string page_title(std::string_view name, std::string_view version) {
  std::string capitals(name);
  std::ranges::transform(capitals, capitals.begin(),
                         [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  // Ragged, and no word is broken: options are copied.
  return fmt::format(".TH {} 1 \"\" \"Backplane {}\" \"User Commands\"\n.nh\n.ad l\n",
                     escaped(capitals), version);
}

std::string section(std::string_view title) { return fmt::format(".SH {}\n", escaped(title)); }

std::string subsection(std::string_view title) { return fmt::format(".SS {}\n", escaped(title)); }

std::string paragraph(std::string_view text) { return fmt::format(".PP\n{}\n", escaped(text)); }

std::string definition(std::string_view term, std::string_view text) {
  return fmt::format(".PP\n{}\n.RS 4\n{}\n.RE\n", term, escaped(text));
}

}  // namespace backplane::manual
