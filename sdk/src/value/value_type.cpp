// SPDX-License-Identifier: MIT
#include <algorithm>

#include "backplane/error.h"
#include "backplane/value.h"

namespace backplane {

namespace {

bool has_kind(const ValueType& type, const Value& value) {
  switch (type.kind) {
    case ValueType::Kind::Null:
      return value.is_null();
    case ValueType::Kind::Any:
      return true;
    case ValueType::Kind::Boolean:
      return value.kind() == Value::Kind::Boolean;
    case ValueType::Kind::Integer:
    case ValueType::Kind::Size:
      return value.kind() == Value::Kind::Integer;
    case ValueType::Kind::Number:
      return value.kind() == Value::Kind::Integer || value.kind() == Value::Kind::Number;
    case ValueType::Kind::String:
    case ValueType::Kind::Enumeration:
      return value.kind() == Value::Kind::String;
    case ValueType::Kind::List:
      return value.kind() == Value::Kind::List;
    case ValueType::Kind::Record:
      return value.kind() == Value::Kind::Record;
  }
  return false;
}

std::string member_name(std::string_view record, std::string_view member) {
  return record.empty() ? std::string(member) : fmt::format("{}.{}", record, member);
}

void check_record(const ValueType& type, const Value& value, std::string_view name) {
  for (const TypeMember& member : type.members) {
    const Value* const given = value.find(member.name);
    if (given != nullptr)
      check(*member.type, *given, member_name(name, member.name));
    else if (!member.optional)
      throw Error::of("Parameter '{}' is missing", member_name(name, member.name));
  }
  if (type.open) return;
  for (const Value::Field& field : value.as_record())
    if (std::none_of(type.members.begin(), type.members.end(),
                     [&](const TypeMember& member) { return member.name == field.name; }))
      throw Error::of("Parameter '{}' is unexpected", member_name(name, field.name));
}

}  // namespace

std::string_view json_name(const ValueType& type) {
  switch (type.kind) {
    case ValueType::Kind::Null:
      return "null";
    case ValueType::Kind::Any:
      return "value";
    case ValueType::Kind::Boolean:
      return "boolean";
    case ValueType::Kind::Integer:
    case ValueType::Kind::Size:
      return "integer";
    case ValueType::Kind::Number:
      return "number";
    case ValueType::Kind::String:
    case ValueType::Kind::Enumeration:
      return "string";
    case ValueType::Kind::List:
      return "array";
    case ValueType::Kind::Record:
      return "object";
  }
  return {};
}

void check(const ValueType& type, const Value& value, std::string_view name) {
  if (!has_kind(type, value))
    throw Error::of("Invalid parameter type for '{}', expected: {}", name, json_name(type));
  if (type.kind == ValueType::Kind::Record) {
    check_record(type, value, name);
  } else if (type.kind == ValueType::Kind::List) {
    std::size_t index = 0;
    for (const Value& element : value.as_list())
      check(*type.element, element, fmt::format("{}[{}]", name, index++));
  } else if (type.kind == ValueType::Kind::Size && value.as_number() < 0) {
    throw Error::of("Parameter '{}' expects uint64", name);
  } else if (type.kind == ValueType::Kind::Enumeration &&
             std::find(type.enumerators.begin(), type.enumerators.end(), value.as_string()) ==
                 type.enumerators.end()) {
    throw Error::of("Parameter '{}' does not accept value '{}'", name, value.as_string());
  }
}

}  // namespace backplane
