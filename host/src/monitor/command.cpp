// SPDX-License-Identifier: MIT
#include "monitor/command.h"

#include <fmt/format.h>

#include <algorithm>

#include "backplane/error.h"
#include "report.h"

namespace backplane::host {

namespace {

std::string help(MonitorContext& context, const MonitorArguments& arguments);

constexpr MonitorCommand kHelp[] = {
    {"help", "[COMMAND]", "what the commands do", help},
};

template <class Visitor>
const MonitorCommand* find_command(Visitor matches) {
  for (const auto group : {std::span<const MonitorCommand>(kHelp), info_commands(), run_commands(),
                           balloon_commands(), state_commands()})
    for (const MonitorCommand& command : group)
      if (matches(command)) return &command;
  return nullptr;
}

std::string line_of(const MonitorCommand& command) {
  return fmt::format("{:<24} {}\n", fmt::format("{} {}", command.name, command.arguments),
                     command.help);
}

std::string help(MonitorContext&, const MonitorArguments& arguments) {
  std::string text;
  find_command([&](const MonitorCommand& command) {
    if (arguments.empty() || arguments.front() == command.name) text += line_of(command);
    return false;
  });
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

std::string run_monitor_line(MonitorContext& context, std::string_view line) {
  MonitorArguments words = words_of(line);
  if (words.empty()) return {};
  const std::string name = words.front() == "?" ? "help" : words.front();
  const MonitorCommand* command =
      find_command([&](const MonitorCommand& known) { return known.name == name; });
  if (command == nullptr) return fmt::format("{}: no such command; 'help' lists them\n", name);
  words.erase(words.begin());
  try {
    return command->run(context, words);
  } catch (const Error& error) {
    return fmt::format("{}: {}\n", name, host::line_of(error));
  }
}

}  // namespace backplane::host
