// SPDX-License-Identifier: MIT
// Commands as people type them: words for arguments, `info TOPIC` for queries, text for values.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/command.h"

namespace backplane::host {

// Carries out one line and returns what is printed, lines each ended by a newline. Never throws: an
// Error becomes its line of text. Main loop's thread, machine lock.
std::string run_monitor_line(CommandContext& context, std::string_view line);

// The words that a line may begin with, and those that may follow `info`.
std::vector<std::string> monitor_commands(Machine& machine);
std::vector<std::string> monitor_topics(Machine& machine);

// What QMP has of the monitor: human-monitor-command.
std::span<const Command> human_commands();

}  // namespace backplane::host
