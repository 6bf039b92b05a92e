// SPDX-License-Identifier: MIT
#include "commands/machine_state.h"

#include <fmt/format.h>

#include "backplane/state.h"

namespace backplane::host {

namespace {

std::string text_of(const Value& value);

std::string integer_text(const Value& value) {
  constexpr double kSameInBoth = 9;
  return value.as_number() > kSameInBoth ? fmt::format("{:#x}", value.as_unsigned())
                                         : scalar_text(value);
}

// "a=1 b=2".
std::string members_text(const Value& record) {
  std::string text;
  for (const auto& [name, value] : record.as_record()) {
    const bool is_time = name == kDeadline && !value.is_null();
    text += fmt::format("{}{}={}", text.empty() ? "" : " ", name,
                        is_time ? scalar_text(value) : text_of(value));
  }
  return text;
}

std::string list_text(const Value& list) {
  std::string text;
  for (const Value& element : list.as_list())
    text += fmt::format("{}{}", text.empty() ? "" : " ", text_of(element));
  return text;
}

std::string text_of(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::Null:
      return "none";
    case Value::Kind::Integer:
      return integer_text(value);
    case Value::Kind::List:
      return fmt::format("[{}]", list_text(value));
    case Value::Kind::Record:
      return fmt::format("{{{}}}", members_text(value));
    default:
      return scalar_text(value);
  }
}

}  // namespace

std::string print_machine_state(const Value& objects) {
  std::string text;
  for (const Value& object : objects.as_list()) {
    text += object.find("path")->as_string() + "\n";
    for (const auto& [name, members] : object.find("sections")->as_record())
      text += fmt::format("{}: {}\n", name, members_text(members));
  }
  return text.empty() ? "no state\n" : text;
}

}  // namespace backplane::host
