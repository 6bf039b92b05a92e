// SPDX-License-Identifier: MIT
// Commands that start, stop and end the machine.
#include "backplane/machine.h"
#include "backplane/migration.h"
#include "monitor/command.h"

namespace backplane::host {

namespace {

std::string stop(MonitorContext& context, const MonitorArguments&) {
  context.machine.run_control().stop();
  return {};
}

std::string cont(MonitorContext& context, const MonitorArguments&) {
  context.migration.expect_here();
  context.machine.run_control().start();
  return {};
}

std::string system_reset(MonitorContext& context, const MonitorArguments&) {
  context.machine.run_control().request_reset(ShutdownCause::HostRequest);
  return {};
}

std::string system_powerdown(MonitorContext& context, const MonitorArguments&) {
  context.machine.run_control().request_powerdown();
  return {};
}

std::string quit(MonitorContext& context, const MonitorArguments&) {
  context.quit = true;
  context.machine.run_control().request_shutdown(ShutdownCause::HostRequest);
  return {};
}

constexpr MonitorCommand kCommands[] = {
    {"stop", "", "stop the guest's CPUs and clock", stop},
    {"cont", "", "let the guest go on", cont},
    {"system_reset", "", "press the reset button", system_reset},
    {"system_powerdown", "", "press the power button", system_powerdown},
    {"quit", "", "end the program", quit},
    {"q", "", "the same", quit},
};

}  // namespace

std::span<const MonitorCommand> run_commands() { return kCommands; }

}  // namespace backplane::host
