// SPDX-License-Identifier: MIT
// Commands that start, stop and end the machine.
#include "backplane/machine.h"
#include "backplane/migration.h"
#include "commands/commands.h"

namespace backplane::host {

namespace {

Value stop(CommandContext& context, const Arguments&) {
  context.machine.run_control().stop();
  return {};
}

Value cont(CommandContext& context, const Arguments&) {
  context.migration.expect_here();
  context.machine.run_control().start();
  return {};
}

Value system_reset(CommandContext& context, const Arguments&) {
  context.machine.run_control().request_reset(ShutdownCause::HostRequest);
  return {};
}

Value system_powerdown(CommandContext& context, const Arguments&) {
  context.machine.run_control().request_powerdown();
  return {};
}

Value quit(CommandContext& context, const Arguments&) {
  context.quit = true;
  context.machine.run_control().request_shutdown(ShutdownCause::HostRequest);
  return {};
}

constexpr Command kCommands[] = {
    {.name = "stop", .help = "stop the guest's CPUs and clock", .run = stop},
    {.name = "cont",
     .help = "let the guest go on",
     .in = {Presence::Here, Presence::Unsure},
     .run = cont},
    {.name = "system_reset",
     .help = "press the reset button",
     .in = {Presence::Here},
     .run = system_reset},
    {.name = "system_powerdown",
     .help = "press the power button",
     .in = {Presence::Here},
     .run = system_powerdown},
    {.name = "quit", .help = "end the program", .run = quit},
};

}  // namespace

std::span<const Command> run_commands() { return kCommands; }

}  // namespace backplane::host
