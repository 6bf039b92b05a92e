// SPDX-License-Identifier: MIT
#include "monitor/command.h"

#include <fmt/format.h>

#include <algorithm>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/module.h"
#include "backplane/monitor.h"
#include "report.h"

namespace backplane::host {

namespace {

std::string help(MonitorContext& context, const MonitorArguments& arguments);

constexpr MonitorCommand kHelp[] = {
    {"help", "[COMMAND]", "what the commands do", help},
};

template <class Visitor>
const MonitorCommand* find_command(Visitor matches) {
  for (const auto group :
       {std::span<const MonitorCommand>(kHelp), info_commands(), run_commands(), state_commands()})
    for (const MonitorCommand& command : group)
      if (matches(command)) return &command;
  return nullptr;
}

template <class Command>
std::string line_of(const Command& command) {
  return fmt::format("{:<24} {}\n", fmt::format("{} {}", command.name, command.arguments),
                     command.help);
}

// A command that an object of the machine offers.
struct Offered {
  Object* object = nullptr;
  const ObjectCommand* command = nullptr;
};

std::vector<Offered> offered_commands(Machine& machine) {
  std::vector<Offered> offered;
  for (CommandProvider* const provider : objects_offering<CommandProvider>(machine))
    for (const ObjectCommand& command : provider->commands())
      offered.push_back({dynamic_cast<Object*>(provider), &command});
  return offered;
}

std::string help(MonitorContext& context, const MonitorArguments& arguments) {
  std::string text;
  const auto add = [&](const auto& command) {
    if (arguments.empty() || arguments.front() == command.name) text += line_of(command);
    return false;
  };
  find_command(add);
  for (const Offered& offered : offered_commands(context.machine)) add(*offered.command);
  if (text.empty()) throw Error::of("{}: no such command; 'help' lists them", arguments.front());
  return text;
}

MonitorArguments words_of(std::string_view line) {
  MonitorArguments words;
  while (true) {
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) return words;
    line.remove_prefix(first);
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

}  // namespace

Error unknown_word(std::string_view word, std::string_view otherwise) {
  for (const ModuleRecord& module : ModuleIndex::instance().records())
    for (const ModuleRecord::MonitorWord& known : module.monitor_words)
      if (known.word == word)
        return Error::of("this machine has no {}: start it with -device {}", known.type,
                         known.type);
  return Error(std::string(otherwise));
}

std::string run_monitor_line(MonitorContext& context, std::string_view line) {
  MonitorArguments words = words_of(line);
  if (words.empty()) return {};
  const std::string name = words.front() == "?" ? "help" : words.front();
  const MonitorCommand* command =
      find_command([&](const MonitorCommand& known) { return known.name == name; });
  words.erase(words.begin());
  try {
    if (command != nullptr) return command->run(context, words);
    for (const Offered& offered : offered_commands(context.machine))
      if (offered.command->name == name) return offered.command->run(*offered.object, words);
    throw unknown_word(name, "no such command; 'help' lists them");
  } catch (const Error& error) {
    return fmt::format("{}: {}\n", name, host::line_of(error));
  }
}

}  // namespace backplane::host
