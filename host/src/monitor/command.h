// SPDX-License-Identifier: MIT
// The monitor's commands as tables; one file a group.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/error.h"

namespace backplane {
class Machine;
class Migration;
}  // namespace backplane

namespace backplane::host {

// What commands act on.
struct MonitorContext {
  Machine& machine;
  Migration& migration;
  bool quit = false;  // the program was told to end: no further prompt
  // Set by a command that goes on after it has returned. It calls go_on once, with what is printed
  // then; the prompt, and what was typed meanwhile, wait for that.
  bool goes_on = false;
  std::function<void(std::string_view text)> go_on = [](std::string_view) {};
};

using MonitorArguments = std::vector<std::string>;

// Returns what the monitor prints: lines, each ended by a newline. Throws Error. Machine lock
// held, on the main loop's thread.
struct MonitorCommand {
  std::string_view name;
  std::string_view arguments;  // "MIB", for the help
  std::string_view help;
  std::string (*run)(MonitorContext& context, const MonitorArguments& arguments);
};

// One topic of `info`.
struct InfoTopic {
  std::string_view name;
  std::string_view help;
  std::string (*text)(MonitorContext& context);
};

std::span<const MonitorCommand> run_commands();    // stop, cont, quit, ...
std::span<const MonitorCommand> state_commands();  // savestate, migrate
std::span<const MonitorCommand> info_commands();   // info
std::span<const InfoTopic> program_topics();       // accel, jit, modules, version
std::span<const InfoTopic>
machine_topics();  // status, name, registers, mtree, qtree, state, migrate
std::span<const InfoTopic> backend_topics();  // chardev, block, network

// What is wrong with a command or topic that nobody has: which device would bring it, if an
// installed module says so; `otherwise` if none does.
Error unknown_word(std::string_view word, std::string_view otherwise);

// Carries out one line. Never throws: an Error becomes its line of text.
std::string run_monitor_line(MonitorContext& context, std::string_view line);

}  // namespace backplane::host
