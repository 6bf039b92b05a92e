// SPDX-License-Identifier: MIT
#include "monitor/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <limits>

#include "backplane/options.h"
#include "backplane/property.h"

namespace backplane::host {

namespace {

std::string upper(std::string_view name) {
  std::string text(name);
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  return text;
}

// A word as a value of the type. Throws Error, "expects ...".
Value value_of(const CommandArgument& argument, const std::string& word) {
  switch (argument.type->kind) {
    case ValueType::Kind::Boolean:
      return PropertyTraits<bool>::parse(word);
    case ValueType::Kind::Integer:
      return parse_signed(word, std::numeric_limits<i64>::min(), std::numeric_limits<i64>::max());
    case ValueType::Kind::Size:
      return parse_size(word, argument.unit);
    default:
      return word;
  }
}

void add(Value::Record& record, const CommandArgument& argument, const std::string& word) {
  try {
    record.push_back({std::string(argument.name), value_of(argument, word)});
  } catch (const Error& error) {
    throw error.in(fmt::format("'{}'", shown(word)));
  }
}

Error wrong_words(const Command& command) {
  const std::string wanted = describe_words(command);
  return wanted.empty() ? Error("expects nothing behind it") : Error::of("expects {}", wanted);
}

// "driver,key=value": the first argument may leave out its name.
Value properties_of(const Command& command, const std::vector<std::string>& words) {
  if (words.size() != 1) throw wrong_words(command);
  Value::Record record;
  for (const KeyValue& item : KeyValueList::parse(words.front(), command.arguments.front().name))
    record.push_back({item.key, item.value});
  return record;
}

}  // namespace

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  while (true) {
    const auto first = line.find_first_not_of(" \t");
    if (first == std::string_view::npos) return words;
    line.remove_prefix(first);
    const auto end = std::min(line.find_first_of(" \t"), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

std::string describe_words(const Command& command) {
  std::string text;
  for (const CommandArgument& argument : command.arguments) {
    if (command.takes_properties) {
      text += fmt::format("{}{}={}", text.empty() ? "" : ",", argument.name, upper(argument.name));
      continue;
    }
    std::string words = upper(argument.name);
    if (argument.letter != 0 && argument.type->kind == ValueType::Kind::Boolean)
      words = fmt::format("-{}", argument.letter);
    else if (argument.letter != 0)
      words = fmt::format("-{} {}", argument.letter, words);
    text += fmt::format(fmt::runtime(argument.optional ? "{}[{}]" : "{}{}"),
                        text.empty() ? "" : " ", words);
  }
  return command.takes_properties ? text + ",PROPERTY=VALUE..." : text;
}

Value arguments_of(const Command& command, const std::vector<std::string>& words) {
  if (command.takes_properties) return properties_of(command, words);
  Value::Record record;
  auto place = command.arguments.begin();
  for (auto word = words.begin(); word != words.end(); ++word) {
    const auto by_letter = std::find_if(
        command.arguments.begin(), command.arguments.end(), [&](const CommandArgument& argument) {
          return argument.letter != 0 && *word == fmt::format("-{}", argument.letter);
        });
    if (by_letter != command.arguments.end()) {
      if (by_letter->type->kind == ValueType::Kind::Boolean) {
        record.push_back({std::string(by_letter->name), true});
      } else if (++word == words.end()) {
        throw wrong_words(command);
      } else {
        add(record, *by_letter, *word);
      }
      continue;
    }
    while (place != command.arguments.end() && place->letter != 0) ++place;
    if (place == command.arguments.end()) throw wrong_words(command);
    add(record, *place++, *word);
  }
  for (; place != command.arguments.end(); ++place)
    if (place->letter == 0 && !place->optional) throw wrong_words(command);
  return record;
}

}  // namespace backplane::host
