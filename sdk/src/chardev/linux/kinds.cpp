// SPDX-License-Identifier: MIT
#include "chardev/kinds.h"

#include "backplane/error.h"
#include "chardev/linux/pipe_chardev.h"
#include "chardev/linux/pty_chardev.h"
#include "chardev/linux/socket_chardev.h"

namespace backplane {

namespace {

using Made = std::unique_ptr<Chardev>;

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

constexpr ChardevKind kKinds[] = {
    {"stdio", make_stdio_chardev}, {"null", make_null_chardev}, {"file", make_file_chardev},
    {"pipe", make_pipe},           {"pty", make_pty},           {"socket", make_socket},
};

}  // namespace

std::span<const ChardevKind> chardev_kinds() { return kKinds; }

}  // namespace backplane
