// SPDX-License-Identifier: MIT
// Saving the machine, and sending it to another program.
#include <optional>

#include "backplane/compressor.h"
#include "backplane/error.h"
#include "backplane/migration.h"
#include "launch/progress.h"
#include "launch/saved_state.h"
#include "monitor/command.h"
#include "report.h"

namespace backplane::host {

namespace {

struct SaveArguments {
  bool detached = false;   // -d
  std::string compressor;  // of -z
  std::optional<std::string> place;
};

SaveArguments parse(const MonitorArguments& arguments, std::string_view wanted) {
  SaveArguments parsed;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "-d") {
      parsed.detached = true;
    } else if (word == "-z") {
      if (++i == arguments.size())
        throw Error("-z: the name of a compressor is missing; -z help lists them");
      parsed.compressor = arguments[i];
    } else if (parsed.place || word.starts_with('-')) {
      throw Error::of("{}: expects {}", word, wanted);
    } else {
      parsed.place = word;
    }
  }
  if (parsed.compressor != "help" && !parsed.place) throw Error::of("expects {}", wanted);
  return parsed;
}

std::string list_compressors() {
  std::string text;
  for (const CatalogueEntry& entry : catalogue(kCompressorKind))
    text += fmt::format("{:<12} {}\n", entry.name, entry.type.description);
  return text;
}

std::string save_in(MonitorContext& context, const SaveArguments& arguments,
                    const std::filesystem::path& file) {
  ProgressLine progress("saving");
  context.migration.save(file, arguments.compressor, progress.shower());
  return {};
}

std::string save(MonitorContext& context, const MonitorArguments& arguments) {
  const SaveArguments parsed = parse(arguments, "[-z COMPRESSOR] FILE");
  if (parsed.compressor == "help") return list_compressors();
  const StatePlace place = state_place(*parsed.place);
  if (!place.socket.empty())
    throw Error::of("'{}': expects a file", place.socket)
        .with_hint("migrate sends the machine to a socket");
  return save_in(context, parsed, place.file);
}

std::string migrate(MonitorContext& context, const MonitorArguments& arguments) {
  const SaveArguments parsed = parse(arguments, "[-d] [-z COMPRESSOR] PLACE");
  if (parsed.compressor == "help") return list_compressors();
  const StatePlace place = state_place(*parsed.place);
  if (place.socket.empty()) return save_in(context, parsed, place.file);
  if (parsed.detached) {
    context.migration.start(place.socket, parsed.compressor, {});
    return {};
  }
  context.migration.start(place.socket, parsed.compressor,
                          [go_on = context.go_on](const std::optional<Error>& failure) {
                            go_on(failure ? fmt::format("migrate: {}\n", line_of(*failure)) : "");
                          });
  context.goes_on = true;
  return {};
}

std::string cancel(MonitorContext& context, const MonitorArguments&) {
  context.migration.cancel();
  return {};
}

constexpr MonitorCommand kCommands[] = {
    {"savestate", "[-z COMPRESSOR] FILE", "save the machine as it is now, for -loadstate", save},
    {"migrate", "[-d] [-z COMPRESSOR] PLACE",
     "send it to where -incoming waits; -d: the prompt does not wait", migrate},
    {"migrate_cancel", "", "keep it here", cancel},
};

}  // namespace

std::span<const MonitorCommand> state_commands() { return kCommands; }

}  // namespace backplane::host
