// SPDX-License-Identifier: MIT
#include "monitor/human.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <vector>

#include "backplane/machine.h"
#include "backplane/module.h"
#include "backplane/netdev.h"
#include "commands/commands.h"
#include "monitor/words.h"
#include "report.h"

namespace backplane::host {

namespace {

// What a query is about, which "info X" stands for; empty for a command that is none.
std::string_view topic_of(const Command& command) {
  constexpr std::string_view kQuery = "query-";
  return command.name.starts_with(kQuery) ? command.name.substr(kQuery.size()) : "";
}

bool is_for_people(const Command& command) { return !command.for_programs; }

std::string line_of(std::string_view name, std::string_view arguments, std::string_view help) {
  constexpr std::size_t kColumn = 24;
  const std::string words = fmt::format("{} {}", name, arguments);
  // What does not fit beside them stands below.
  const std::string_view separator = words.size() > kColumn ? "\n" : "";
  return fmt::format("{}{}{:{}} {}\n", words, separator, "",
                     separator.empty() ? kColumn - words.size() : kColumn, help);
}

// The monitor's own, which are about the monitor.
constexpr std::string_view kInfo = "info", kHelp = "help";

std::string help(Machine& machine, const std::vector<std::string>& words) {
  std::string text;
  std::set<std::string_view> seen;
  const auto add = [&](std::string_view name, std::string_view arguments, std::string_view help) {
    if ((words.empty() || words.front() == name) && seen.insert(name).second)
      text += line_of(name, arguments, help);
  };
  add(kHelp, "[COMMAND]", "what the commands do");
  add(kInfo, "[TOPIC]", "show the state of something; without a topic, list them");
  for (const KnownCommand& known : known_commands(machine))
    if (is_for_people(*known.command) && topic_of(*known.command).empty())
      add(known.command->name, describe_words(*known.command), known.command->help);
  if (text.empty()) throw Error::of("{}: no such command; 'help' lists them", words.front());
  return text;
}

std::string list_topics(Machine& machine) {
  std::map<std::string_view, std::string_view> topics;
  for (const KnownCommand& known : known_commands(machine))
    if (const std::string_view topic = topic_of(*known.command);
        !topic.empty() && is_for_people(*known.command))
      topics.emplace(topic, known.command->help);
  std::string text;
  for (const auto& [topic, help] : topics) text += fmt::format("info {:<20} {}\n", topic, help);
  return text;
}

// What is wrong with a command or topic that nobody has: which device would bring it, if an
// installed module says so; `otherwise` if none does.
Error unknown_word(std::string_view word, std::string_view otherwise) {
  for (const ModuleRecord& module : ModuleIndex::instance().records())
    for (const ModuleRecord::MonitorWord& known : module.monitor_words)
      if (known.word == word) {
        const bool is_network = known.type.starts_with(kNetdevKind.prefix);
        const Kind& kind = is_network ? kNetdevKind : kDeviceKind;
        return Error::of("this machine has no {}: start it with {} {}", known.type, kind.option,
                         kind.user_name(known.type));
      }
  return Error(std::string(otherwise));
}

std::string run_for_people(const KnownCommand& known, CommandContext& context,
                           const std::vector<std::string>& words) {
  const Command& command = *known.command;
  const Value result = run_command(known, context, arguments_of(command, words));
  if (command.print != nullptr) return command.print(result);
  return to_text(result);
}

// All that answer to a topic: several objects may.
std::string info(CommandContext& context, std::vector<std::string> words) {
  if (words.empty()) return list_topics(context.machine);
  const std::string name = words.front();
  words.erase(words.begin());
  std::string text;
  bool is_known = false;
  for (const KnownCommand& known : known_commands(context.machine)) {
    if (topic_of(*known.command) != name || !is_for_people(*known.command)) continue;
    is_known = true;
    text += run_for_people(known, context, words);
  }
  if (!is_known) throw unknown_word(name, "no such topic; 'info' lists them").in(shown(name));
  return text;
}

std::string run_words(CommandContext& context, const std::string& name,
                      const std::vector<std::string>& words) {
  if (name == kHelp) return help(context.machine, words);
  if (name == kInfo) return info(context, words);
  const KnownCommand known = find_command(context.machine, name);
  if (known.command == nullptr || !is_for_people(*known.command))
    throw unknown_word(name, "no such command; 'help' lists them");
  return run_for_people(known, context, words);
}

// Short forms.
std::string long_name(const std::string& name) {
  if (name == "?") return std::string(kHelp);
  return name == "q" ? "quit" : name;
}

Value human_monitor_command(CommandContext& context, const Arguments& arguments) {
  return run_monitor_line(context, arguments.text("command-line"));
}

constexpr CommandArgument kLine[] = {{.name = "command-line", .type = &kText}};
constexpr Command kCommands[] = {
    {.name = "human-monitor-command",
     .help = "what people would type",
     .arguments = kLine,
     .returns = &kText,
     .run = human_monitor_command,
     .for_programs = true},
};

}  // namespace

std::vector<std::string> monitor_commands(Machine& machine) {
  std::vector<std::string> names{std::string(kHelp), std::string(kInfo)};
  for (const KnownCommand& known : known_commands(machine))
    if (is_for_people(*known.command) && topic_of(*known.command).empty())
      names.emplace_back(known.command->name);
  return names;
}

std::vector<std::string> monitor_topics(Machine& machine) {
  std::vector<std::string> topics;
  for (const KnownCommand& known : known_commands(machine))
    if (const std::string_view topic = topic_of(*known.command);
        !topic.empty() && is_for_people(*known.command))
      topics.emplace_back(topic);
  return topics;
}

std::string run_monitor_line(CommandContext& context, std::string_view line) {
  std::vector<std::string> words = words_of(line);
  if (words.empty()) return {};
  const std::string name = long_name(words.front());
  words.erase(words.begin());
  try {
    return run_words(context, name, words);
  } catch (const Error& error) {
    return fmt::format("{}: {}\n", name, error.line());
  }
}

std::span<const Command> human_commands() { return kCommands; }

}  // namespace backplane::host
