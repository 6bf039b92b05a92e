// SPDX-License-Identifier: MIT
#include "commands/commands.h"

#include <algorithm>

#include "backplane/backend.h"
#include "backplane/machine.h"
#include "monitor/human.h"
#include "qmp/session.h"

namespace backplane::host {

namespace {

// Those of the machine, and of what it stands on.
std::vector<CommandProvider*> providers(Machine& machine) {
  std::vector<CommandProvider*> all = objects_offering<CommandProvider>(machine);
  if (Object* const backends = machine.find(Backends::kPath))
    for (CommandProvider* const provider : objects_offering<CommandProvider>(*backends))
      if (std::find(all.begin(), all.end(), provider) == all.end()) all.push_back(provider);
  return all;
}

}  // namespace

std::vector<KnownCommand> known_commands(Machine& machine) {
  std::vector<KnownCommand> known;
  for (const auto group :
       {run_commands(), state_commands(), snapshot_commands(), migration_commands(),
        machine_commands(), program_commands(), backend_commands(), block_commands(),
        medium_commands(), device_commands(), object_commands(), display_commands(),
        input_commands(), debugger_commands(), log_commands(), schema_commands(), human_commands(),
        session_commands()})
    for (const Command& command : group) known.push_back({&command, nullptr});
  for (CommandProvider* const provider : providers(machine))
    for (const Command& command : provider->commands())
      known.push_back({&command, dynamic_cast<Object*>(provider)});
  return known;
}

KnownCommand find_command(Machine& machine, std::string_view name) {
  for (const KnownCommand& known : known_commands(machine))
    if (known.command->name == name) return known;
  return {};
}

std::vector<const EventType*> known_events(Machine& machine) {
  const auto frame = frame_events();
  std::vector<const EventType*> known(frame.begin(), frame.end());
  for (const CommandProvider* const provider : providers(machine))
    for (const EventType* const event : provider->events())
      if (std::none_of(known.begin(), known.end(),
                       [&](const EventType* other) { return other->name == event->name; }))
        known.push_back(event);
  return known;
}

Value run_command(const KnownCommand& known, CommandContext& context, Value arguments) {
  context.offering = known.offering;
  return run(*known.command, context, std::move(arguments));
}

}  // namespace backplane::host
