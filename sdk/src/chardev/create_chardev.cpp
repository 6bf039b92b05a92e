// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <vector>

#include "backplane/chardev.h"
#include "backplane/error.h"
#include "chardev/chardev_options.h"
#include "chardev/file_chardev.h"
#include "chardev/null_chardev.h"
#include "chardev/pipe_chardev.h"
#include "chardev/pty_chardev.h"
#include "chardev/short_form.h"
#include "chardev/socket_chardev.h"
#include "chardev/stdio_chardev.h"

namespace backplane {

namespace {

using Made = std::unique_ptr<Chardev>;

Made make_null(MainLoop&, const std::string& id, ChardevOptions& options) {
  options.finish();
  return std::make_unique<NullChardev>(id);
}

Made make_stdio(MainLoop& loop, const std::string& id, ChardevOptions& options) {
  const bool keep_signals = options.take_flag("signal", true);
  options.finish();
  return std::make_unique<StdioChardev>(loop, id, keep_signals);
}

Made make_file(MainLoop& loop, const std::string& id, ChardevOptions& options) {
  const std::string path = options.take_required("path", "the file to write to");
  const std::string input_path = options.take("input-path").value_or("");
  const bool append = options.take_flag("append", false);
  options.finish();
  return std::make_unique<FileChardev>(loop, id, path, append, input_path);
}

Made make_pipe(MainLoop& loop, const std::string& id, ChardevOptions& options) {
  const std::string path = options.take_required("path", "the pipes' name without .in and .out");
  options.finish();
  return std::make_unique<PipeChardev>(loop, id, path);
}

Made make_pty(MainLoop& loop, const std::string& id, ChardevOptions& options) {
  const std::string link = options.take("path").value_or("");
  options.finish();
  return std::make_unique<PtyChardev>(loop, id, link);
}

// Milliseconds; 0: never.
unsigned reconnect_interval(ChardevOptions& options) {
  constexpr unsigned kLongest = 3600;  // seconds
  const unsigned seconds = options.take_number("reconnect", 0, kLongest);
  const unsigned milliseconds = options.take_number("reconnect-ms", 0, kLongest * 1000);
  if (seconds != 0 && milliseconds != 0)
    throw Error("socket: reconnect= and reconnect-ms= exclude each other");
  return seconds * 1000 + milliseconds;
}

Made make_socket(MainLoop& loop, const std::string& id, ChardevOptions& options) {
  SocketAddress address;
  address.path = options.take("path").value_or("");
  address.host = options.take("host").value_or("");
  address.port = options.take("port").value_or("");
  const bool server = options.take_flag("server", false);
  const auto wait_given = options.take("wait");
  const unsigned reconnect = reconnect_interval(options);
  options.finish();
  if (address.path.empty() == address.port.empty())
    throw Error("socket: expects either a path, or a host and a port");
  if (!address.path.empty() && !address.host.empty())
    throw Error("socket: a path and a host exclude each other");
  if (!server && wait_given) throw Error("socket: wait= is for server=on");
  if (server && reconnect != 0) throw Error("socket: reconnect= is not for server=on");
  if (!server) return std::make_unique<SocketClientChardev>(loop, id, address, reconnect);
  ChardevOptions wait_option("socket", {{"wait", wait_given.value_or("on")}});
  return std::make_unique<SocketServerChardev>(loop, id, address,
                                               wait_option.take_flag("wait", true));
}

struct Kind {
  const char* name;
  Made (*make)(MainLoop& loop, const std::string& id, ChardevOptions& options);
};

constexpr Kind kKinds[] = {
    {"stdio", make_stdio}, {"null", make_null}, {"file", make_file},
    {"pipe", make_pipe},   {"pty", make_pty},   {"socket", make_socket},
};

}  // namespace

std::unique_ptr<Chardev> create_chardev(
    MainLoop& loop, const std::string& kind, const std::string& id,
    const std::vector<std::pair<std::string, std::string>>& pairs) {
  ChardevOptions options(kind, pairs);
  std::vector<std::string> names;
  for (const Kind& known : kKinds) {
    if (known.name == kind) return known.make(loop, id, options);
    names.emplace_back(known.name);
  }
  throw Error::of("{} is no kind of character device: expects {}", kind.empty() ? "nothing" : kind,
                  fmt::join(names, ", "));
}

std::unique_ptr<Chardev> create_chardev_from_text(MainLoop& loop, const std::string& id,
                                                  const std::string& text) {
  if (text.starts_with("mon:"))
    return std::make_unique<MuxChardev>(
        id, create_chardev_from_text(loop, id + "-backend", text.substr(4)));
  const ChardevParts parts = parse_short_form(text);
  return create_chardev(loop, parts.kind, id, parts.options);
}

}  // namespace backplane
