// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <string_view>

#include "backplane/chardev.h"

namespace backplane {

namespace {

// Splits at single commas.
std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != ',') {
      parts.back() += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == ',') {
      parts.back() += text[i++];
    } else {
      parts.emplace_back();
    }
  }
  return parts;
}

// "server=on", or what older scripts write: "server", "nowait".
std::pair<std::string, std::string> key_and_value(const std::string& text) {
  const auto equals = text.find('=');
  if (equals != std::string::npos) return {text.substr(0, equals), text.substr(equals + 1)};
  if (text.starts_with("no")) return {text.substr(2), "off"};
  return {text, "on"};
}

void add_host_and_port(ChardevParts& parts, const std::string& given, const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos || colon + 1 == address.size())
    throw Error::of("{}: expects tcp:HOST:PORT", given);
  std::string host = address.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  parts.properties = {{"host", host}, {"port", address.substr(colon + 1)}};
}

}  // namespace

ChardevParts parse_chardev_short_form(const std::string& text) {
  if (text == "none") return {"null", {}};
  if (text == "null" || text == "stdio" || text == "pty") return {text, {}};
  const auto colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const std::string rest = colon == std::string::npos ? "" : text.substr(colon + 1);
  const bool has_path = kind == "file" || kind == "pipe" || kind == "pty" || kind == "unix";
  if (!rest.empty() && (has_path || kind == "tcp")) {
    const std::vector<std::string> pieces = split(rest);
    ChardevParts parts{kind == "unix" || kind == "tcp" ? "socket" : kind, {}};
    if (has_path)
      parts.properties = {{"path", pieces.front()}};
    else
      add_host_and_port(parts, text, pieces.front());
    for (std::size_t i = 1; i < pieces.size(); ++i)
      parts.properties.push_back(key_and_value(pieces[i]));
    return parts;
  }
  throw Error::of(
      "{} is no character device: expects stdio, mon:stdio, null, none, pty, file:PATH, pipe:PATH, "
      "unix:PATH, tcp:HOST:PORT or chardev:ID",
      text.empty() ? "an empty text" : text);
}

}  // namespace backplane
