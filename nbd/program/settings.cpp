// SPDX-License-Identifier: MIT
#include "settings.h"

#include <charconv>
#include <filesystem>

#include "arguments.h"
#include "backplane/error.h"
#include "wire/protocol.h"

namespace backplane::nbd {

namespace {

unsigned parse_clients(const std::string& text) {
  constexpr unsigned kMost = 1024;
  unsigned number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number > kMost)
    throw Error::of("-e {}: expects a number of clients, 0 (any) to {}", text, kMost);
  return number;
}

Place place_of(const img::Arguments& arguments, bool list) {
  const auto socket = arguments.value("k");
  if (socket && (arguments.has("b") || arguments.has("p")))
    throw Error("-k is a Unix socket, -b and -p are about TCP: expects one of them");
  if (socket && socket->empty()) throw Error("-k: expects the path of a socket");
  if (socket)
    return {.path = list ? *socket : std::filesystem::absolute(*socket).string(),
            .host = {},
            .port = {}};
  return {.path = {},
          .host = arguments.value("b").value_or(""),
          .port = arguments.value("p").value_or(kDefaultPort)};
}

void take_opening(const img::Arguments& arguments, Settings& settings) {
  settings.opening.format = arguments.value("f");
  settings.opening.for_writing = !arguments.has("r");
  settings.opening.shared = arguments.has("U");
  if (arguments.has("n") && arguments.has("cache"))
    throw Error("-n is --cache=none: expects one of them");
  if (arguments.has("n")) settings.opening.cache = "none";
  if (const auto cache = arguments.value("cache")) settings.opening.cache = *cache;
  auto& more = settings.opening.more;
  // What is not asked to give room back keeps it, as with qemu-nbd.
  more.emplace_back("discard", arguments.value("discard").value_or("ignore"));
  if (const auto zeroes = arguments.value("detect-zeroes"))
    more.emplace_back("detect-zeroes", *zeroes);
}

}  // namespace

Settings parse_settings(const std::vector<std::string>& words) {
  const img::Arguments arguments(words, {{'f', "format", true},
                                         {'k', "socket", true},
                                         {'b', "bind", true},
                                         {'p', "port", true},
                                         {'x', "export-name", true},
                                         {'D', "description", true},
                                         {'r', "read-only"},
                                         {'s', "snapshot"},
                                         {'e', "shared", true},
                                         {'t', "persistent"},
                                         {'L', "list"},
                                         {'U', "force-share"},
                                         {'n', "nocache"},
                                         {0, "cache", true},
                                         {0, "discard", true},
                                         {0, "detect-zeroes", true},
                                         {0, "fork"},
                                         {0, "pid-file", true}});
  Settings settings;
  settings.list = arguments.has("L");
  settings.place = place_of(arguments, settings.list);
  if (settings.list) {
    for (const std::string_view other : {"f", "x", "D", "r", "s", "e", "t", "U", "n", "cache",
                                         "discard", "detect-zeroes", "fork", "pid-file"})
      if (arguments.has(other))
        throw Error::of("-L looks at a server, and has no use for {}{}",
                        OwnText{other.size() == 1 ? "-" : "--"}, OwnText{std::string(other)});
    arguments.expect_files(0, 0, "no image with -L, which looks at a server");
    return settings;
  }
  arguments.expect_files(1, 1, "an image");
  settings.image = arguments.files().front();
  take_opening(arguments, settings);
  settings.snapshot = arguments.has("s");
  if (settings.snapshot && arguments.has("r"))
    throw Error("-s is for what is written, which -r forbids: expects one of them");
  settings.name = arguments.value("x").value_or("");
  settings.description = arguments.value("D").value_or("");
  for (const auto& [option, text] :
       {std::pair("-x", &settings.name), {"-D", &settings.description}})
    if (text->size() > kMaxString)
      throw Error::of("{}: expects {} bytes at most", option, u32{kMaxString});
  settings.server.persistent = arguments.has("t");
  if (const auto clients = arguments.value("e"))
    settings.server.most_clients = parse_clients(*clients);
  settings.fork = arguments.has("fork");
  // It is to be found at the end, too, in the background.
  if (const auto file = arguments.value("pid-file"))
    settings.pid_file = std::filesystem::absolute(*file).string();
  return settings;
}

}  // namespace backplane::nbd
