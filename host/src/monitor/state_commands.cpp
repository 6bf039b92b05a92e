// SPDX-License-Identifier: MIT
// Saving the machine.
#include "backplane/error.h"
#include "backplane/machine_state.h"
#include "launch/saved_state.h"
#include "monitor/command.h"

namespace backplane::host {

namespace {

std::string save(MonitorContext& context, const MonitorArguments& arguments) {
  if (arguments.size() != 1) throw Error("expects one argument, the file to write");
  save_machine(context.machine, saved_state_file(arguments.front()));
  return {};
}

constexpr MonitorCommand kCommands[] = {
    {"savestate", "FILE", "save the machine as it is now, for -loadstate", save},
    {"migrate", "file:FILE", "the same", save},
};

}  // namespace

std::span<const MonitorCommand> state_commands() { return kCommands; }

}  // namespace backplane::host
