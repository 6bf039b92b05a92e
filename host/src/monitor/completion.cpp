// SPDX-License-Identifier: MIT
#include "monitor/completion.h"

#include <algorithm>
#include <set>

#include "backplane/catalogue.h"
#include "backplane/machine.h"
#include "commands/commands.h"
#include "monitor/human.h"
#include "monitor/words.h"

namespace backplane::host {

namespace {

using Words = std::vector<std::string>;

Words names_of_kind(const Kind& kind) {
  Words names;
  for (const CatalogueEntry& entry : catalogue(kind))
    if (!entry.type.board_only && entry.type.unavailable.empty()) names.push_back(entry.name);
  return names;
}

Words choices_of(const CommandArgument& argument, Machine& machine) {
  if (argument.kind != nullptr) return names_of_kind(*argument.kind);
  if (argument.choices != nullptr) return argument.choices(machine);
  if (argument.type->kind == ValueType::Kind::Boolean) return {"on", "off"};
  return {argument.type->enumerators.begin(), argument.type->enumerators.end()};
}

// "driver,key=value": the first is the type's name, the others its properties and the arguments.
Words next_properties(const Command& command, Machine& machine, const std::string& word) {
  const CommandArgument& first = command.arguments.front();
  const std::size_t comma = word.rfind(',');
  if (comma == std::string::npos) return choices_of(first, machine);
  const std::string given = word.substr(0, comma + 1);
  const std::string last = word.substr(comma + 1);
  Words words;
  const auto add = [&](std::string_view name) { words.push_back(given + std::string(name) + "="); };
  if (last.find('=') != std::string::npos || first.kind == nullptr) return words;
  for (const CommandArgument& argument : command.arguments.subspan(1)) add(argument.name);
  for (const Property& property :
       class_of_kind(*first.kind, word.substr(0, word.find(','))).properties)
    if (property.set != nullptr) add(property.name);
  return words;
}

// What the last of the words behind the command may be.
Words next_argument(const Command& command, Machine& machine, const Words& words) {
  if (command.takes_properties)
    return words.size() == 1 ? next_properties(command, machine, words.front()) : Words();
  const CommandArgument* wanted = nullptr;  // a letter's, whose value comes next
  std::size_t places = 0;                   // that are taken
  for (std::size_t n = 0; n + 1 < words.size(); ++n) {
    const auto by_letter =
        std::ranges::find_if(command.arguments, [&](const CommandArgument& argument) {
          return argument.letter != 0 && words[n] == fmt::format("-{}", argument.letter);
        });
    if (wanted != nullptr)
      wanted = nullptr;
    else if (by_letter == command.arguments.end())
      ++places;
    else if (by_letter->type->kind != ValueType::Kind::Boolean)
      wanted = &*by_letter;
  }
  if (wanted != nullptr) return choices_of(*wanted, machine);
  Words found;
  for (const CommandArgument& argument : command.arguments)
    if (argument.letter != 0 && words.back().starts_with('-'))
      found.push_back(fmt::format("-{}", argument.letter));
  for (const CommandArgument& argument : command.arguments) {
    if (argument.letter != 0 || places-- != 0) continue;
    const Words choices = choices_of(argument, machine);
    found.insert(found.end(), choices.begin(), choices.end());
    break;
  }
  return found;
}

// What the last of the words of a line may be.
Words next_word(Machine& machine, const Words& words) {
  if (words.size() == 1) return monitor_commands(machine);
  if (words.size() == 2 && words.front() == "help") return monitor_commands(machine);
  if (words.size() == 2 && words.front() == "info") return monitor_topics(machine);
  const KnownCommand known = find_command(machine, words.front());
  if (known.command == nullptr) return {};
  return next_argument(*known.command, machine, {words.begin() + 1, words.end()});
}

}  // namespace

LineEditor::Completions complete_monitor_line(Machine& machine, const std::string& text) {
  Words words = words_of(text);
  if (words.empty() || text.ends_with(' ') || text.ends_with('\t')) words.emplace_back();
  const std::string& begun = words.back();
  LineEditor::Completions completions{.begin = text.size() - begun.size(), .words = {}};
  std::set<std::string> found;
  try {
    for (const std::string& word : next_word(machine, words))
      if (word.starts_with(begun)) found.insert(word);
  } catch (const Error&) {
    // A type that nobody has.
    return completions;
  }
  completions.words.assign(found.begin(), found.end());
  return completions;
}

}  // namespace backplane::host
