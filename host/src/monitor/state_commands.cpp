// SPDX-License-Identifier: MIT
// Saving the machine.
#include <optional>

#include "backplane/compressor.h"
#include "backplane/error.h"
#include "backplane/machine_state.h"
#include "launch/progress.h"
#include "launch/saved_state.h"
#include "monitor/command.h"

namespace backplane::host {

namespace {

struct SaveArguments {
  std::string compressor;  // of -z
  std::optional<std::string> place;
};

SaveArguments parse(const MonitorArguments& arguments) {
  constexpr std::string_view kWanted = "[-z COMPRESSOR] FILE";
  SaveArguments parsed;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const std::string& word = arguments[i];
    if (word == "-z") {
      if (++i == arguments.size())
        throw Error("-z: the name of a compressor is missing; -z help lists them");
      parsed.compressor = arguments[i];
    } else if (parsed.place || word.starts_with('-')) {
      throw Error::of("{}: expects {}", word, kWanted);
    } else {
      parsed.place = word;
    }
  }
  if (parsed.compressor != "help" && !parsed.place) throw Error::of("expects {}", kWanted);
  return parsed;
}

std::string list_compressors() {
  std::string text;
  for (const CatalogueEntry& entry : catalogue(kCompressorKind))
    text += fmt::format("{:<12} {}\n", entry.name, entry.type.description);
  return text;
}

std::string save(MonitorContext& context, const MonitorArguments& arguments) {
  const SaveArguments parsed = parse(arguments);
  if (parsed.compressor == "help") return list_compressors();
  ProgressLine progress("saving");
  save_machine(context.machine, saved_state_file(*parsed.place), parsed.compressor,
               progress.shower());
  return {};
}

constexpr MonitorCommand kCommands[] = {
    {"savestate", "[-z COMPRESSOR] FILE", "save the machine as it is now, for -loadstate", save},
    {"migrate", "[-z COMPRESSOR] file:FILE", "the same", save},
};

}  // namespace

std::span<const MonitorCommand> state_commands() { return kCommands; }

}  // namespace backplane::host
