// SPDX-License-Identifier: MIT
// The program's own commands, as tables of rows (backplane/command.h); one file a group. Whoever
// takes them from a user, the human monitor or QMP, looks them up here.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "backplane/command.h"

namespace backplane::host {

std::span<const Command> run_commands();        // stop, cont, quit, ...
std::span<const Command> state_commands();      // savestate, migrate
std::span<const Command> snapshot_commands();   // savevm, ...
std::span<const Command> migration_commands();  // migrate-incoming, ...
std::span<const Command> machine_commands();    // query-status, query-cpus-fast, ...
std::span<const Command> program_commands();    // query-version, query-modules, ...
std::span<const Command> backend_commands();    // query-block, netdev_add, ...
std::span<const Command> block_commands();      // query-block, ...
std::span<const Command> medium_commands();     // eject, change, ...
std::span<const Command> device_commands();     // device_add, device_del
std::span<const Command> object_commands();     // qom-get, ...
std::span<const Command> display_commands();    // screendump, query-vnc, ...
std::span<const Command> input_commands();      // send-key, query-mice, ...
std::span<const Command> debugger_commands();   // gdbserver
std::span<const Command> log_commands();        // log, trace-event-set-state
std::span<const Command> schema_commands();     // query-commands, query-qmp-schema

// A command, and the object that brings it, if one does.
struct KnownCommand {
  const Command* command = nullptr;
  Object* offering = nullptr;
};

// All there are, the program's own first, then those of objects in tree order. Machine lock.
std::vector<KnownCommand> known_commands(Machine& machine);
// The first of that name; its command is null if there is none.
KnownCommand find_command(Machine& machine, std::string_view name);
// All that can be reported, each once.
std::vector<const EventType*> known_events(Machine& machine);

// Runs a command with arguments that anybody may have given. Throws Error.
Value run_command(const KnownCommand& known, CommandContext& context, Value arguments);

}  // namespace backplane::host
