// SPDX-License-Identifier: MIT
#include "backplane/command.h"

#include <algorithm>

#include "backplane/migration.h"

namespace backplane {

CommandProvider::~CommandProvider() = default;

const Value& Arguments::at(std::string_view name) const {
  if (const Value* const value = given_.find(name)) return *value;
  throw Error::of("Parameter '{}' is missing", name);
}

std::string Arguments::text_or(std::string_view name, std::string_view otherwise) const {
  const Value* const value = given_.find(name);
  return value != nullptr ? value->as_string() : std::string(otherwise);
}

bool Arguments::flag(std::string_view name) const {
  const Value* const value = given_.find(name);
  return value != nullptr && value->as_bool();
}

Value::Record Arguments::but(std::span<const std::string_view> names) const {
  Value::Record rest;
  for (const Value::Field& field : given_.as_record())
    if (std::find(names.begin(), names.end(), field.name) == names.end()) rest.push_back(field);
  return rest;
}

std::vector<TypeMember> members_of(std::span<const CommandArgument> arguments) {
  std::vector<TypeMember> members;
  for (const CommandArgument& argument : arguments)
    members.push_back({argument.name, argument.type, argument.optional});
  return members;
}

Value run(const Command& command, CommandContext& context, Value arguments) {
  if (arguments.is_null()) arguments = Value::Record{};
  const std::vector<TypeMember> members = members_of(command.arguments);
  const ValueType type = command.takes_properties ? open_record_of(members) : record_of(members);
  check(type, arguments);
  context.migration.expect(command.in);
  return command.run(context, Arguments(std::move(arguments)));
}

}  // namespace backplane
