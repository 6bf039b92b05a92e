// SPDX-License-Identifier: MIT
// Values for people.
#include <fmt/format.h>

#include "backplane/error.h"
#include "backplane/value.h"

namespace backplane {

namespace {

bool is_scalar(const Value& value) {
  return value.kind() != Value::Kind::List && value.kind() != Value::Kind::Record;
}

void print(const Value& value, std::size_t indent, std::string& text);

void print_field(const Value::Field& field, std::size_t indent, std::string& text) {
  if (is_scalar(field.value)) {
    text += fmt::format("{:{}}{}: {}\n", "", indent, field.name, scalar_text(field.value));
    return;
  }
  text += fmt::format("{:{}}{}:\n", "", indent, field.name);
  print(field.value, indent + 2, text);
}

// "first: a=1, b=on", and what is no scalar below it.
void print_element(const Value::Record& record, std::size_t indent, std::string& text) {
  if (record.empty()) return;
  const Value& first = record.front().value;
  text += fmt::format("{:{}}{}", "", indent, is_scalar(first) ? scalar_text(first) : "");
  std::string_view separator = ": ";
  for (auto field = record.begin() + 1; field != record.end(); ++field) {
    if (!is_scalar(field->value) || field->value.is_null()) continue;
    text += fmt::format("{}{}={}", separator, field->name, scalar_text(field->value));
    separator = ", ";
  }
  text += '\n';
  for (const Value::Field& field : record)
    if (!is_scalar(field.value)) print_field(field, indent + 2, text);
}

void print(const Value& value, std::size_t indent, std::string& text) {
  if (value.kind() == Value::Kind::Record) {
    for (const Value::Field& field : value.as_record())
      if (!field.value.is_null()) print_field(field, indent, text);
  } else if (value.kind() == Value::Kind::List) {
    for (const Value& element : value.as_list()) {
      if (element.kind() == Value::Kind::Record)
        print_element(element.as_record(), indent, text);
      else
        print(element, indent, text);
    }
  } else if (!value.is_null()) {
    text += fmt::format("{:{}}{}\n", "", indent, scalar_text(value));
  }
}

}  // namespace

std::string scalar_text(const Value& value) {
  switch (value.kind()) {
    case Value::Kind::Null:
      return {};
    case Value::Kind::Boolean:
      return value.as_bool() ? "on" : "off";
    case Value::Kind::Integer:
      return value.as_number() < 0 ? std::to_string(value.as_signed())
                                   : std::to_string(value.as_unsigned());
    case Value::Kind::Number:
      return fmt::format("{}", value.as_number());
    case Value::Kind::String:
      return value.as_string();
    case Value::Kind::List:
    case Value::Kind::Record:
      break;
  }
  throw Error("expects a string, a number or a boolean");
}

std::string to_text(const Value& value) {
  std::string text;
  print(value, 0, text);
  return text;
}

}  // namespace backplane
