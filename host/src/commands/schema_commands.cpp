// SPDX-License-Identifier: MIT
// What commands and events there are, as values: made from the rows themselves, so that it cannot
// differ from what is accepted. [QEMU docs/devel/qapi-code-gen.rst "Client JSON Protocol
// introspection"]
#include <map>
#include <set>

#include "commands/commands.h"

namespace backplane::host {

namespace {

Value names(CommandContext& context, const Arguments&) {
  Value::List list;
  for (const KnownCommand& known : known_commands(context.machine))
    list.push_back(Value::Record{{"name", known.command->name}});
  return list;
}

Value events(CommandContext& context, const Arguments&) {
  Value::List list;
  for (const EventType* const event : known_events(context.machine))
    list.push_back(Value::Record{{"name", event->name}});
  return list;
}

// The schema: an entry for each command and event, and for each type that they refer to. Types have
// no names but numbers; scalars are called as in QEMU's.
class Schema {
 public:
  void add(const Command& command) {
    const std::string arguments = add_record(members_of(command.arguments));
    Value::Record entry{{"name", command.name},
                        {"meta-type", "command"},
                        {"arg-type", arguments},
                        {"ret-type", add_returned(*command.returns)}};
    if (command.out_of_band) entry.push_back({"allow-oob", true});
    entries_.push_back(std::move(entry));
  }
  void add(const EventType& event) {
    entries_.push_back(
        Value::Record{{"name", event.name},
                      {"meta-type", "event"},
                      {"arg-type", add_record({event.members.begin(), event.members.end()})}});
  }
  Value take() { return std::move(entries_); }

 private:
  // A command that returns nothing returns an empty record.
  std::string add_returned(const ValueType& type) {
    return type.kind == ValueType::Kind::Null ? add_record({}) : add_type(type);
  }

  std::string add_type(const ValueType& type) {
    switch (type.kind) {
      case ValueType::Kind::Null:
        return add_builtin("null", "null");
      case ValueType::Kind::Any:
        return add_builtin("any", "value");
      case ValueType::Kind::Boolean:
        return add_builtin("bool", "boolean");
      case ValueType::Kind::Integer:
      case ValueType::Kind::Size:
        return add_builtin("int", "int");
      case ValueType::Kind::Number:
        return add_builtin("number", "number");
      case ValueType::Kind::String:
        return add_builtin("str", "string");
      default:
        break;
    }
    if (const auto known = names_.find(&type); known != names_.end()) return known->second;
    if (type.kind == ValueType::Kind::Record) {
      const std::string name = add_record({type.members.begin(), type.members.end()});
      return names_[&type] = name;
    }
    if (type.kind == ValueType::Kind::List) {
      const std::string element = add_type(*type.element);
      const std::string name = fmt::format("[{}]", element);
      if (known_.insert(name).second)
        entries_.push_back(
            Value::Record{{"name", name}, {"meta-type", "array"}, {"element-type", element}});
      return names_[&type] = name;
    }
    Value::List values, members;
    for (const std::string_view enumerator : type.enumerators) {
      values.push_back(enumerator);
      members.push_back(Value::Record{{"name", enumerator}});
    }
    const std::string name = next_name();
    entries_.push_back(Value::Record{{"name", name},
                                     {"meta-type", "enum"},
                                     {"members", std::move(members)},
                                     {"values", std::move(values)}});
    return names_[&type] = name;
  }

  std::string add_record(const std::vector<TypeMember>& members) {
    Value::List list;
    for (const TypeMember& member : members) {
      Value::Record record{{"name", member.name}, {"type", add_type(*member.type)}};
      if (member.optional) record.push_back({"default", Value()});
      list.push_back(std::move(record));
    }
    if (list.empty() && !empty_.empty()) return empty_;
    const std::string name = next_name();
    if (list.empty()) empty_ = name;
    entries_.push_back(
        Value::Record{{"name", name}, {"meta-type", "object"}, {"members", std::move(list)}});
    return name;
  }

  std::string add_builtin(const std::string& name, std::string_view json) {
    if (known_.insert(name).second)
      entries_.push_back(
          Value::Record{{"name", name}, {"meta-type", "builtin"}, {"json-type", json}});
    return name;
  }

  std::string next_name() { return std::to_string(++last_); }

  Value::List entries_;
  std::map<const ValueType*, std::string> names_;
  std::set<std::string> known_;  // of builtin types and arrays
  std::string empty_;            // the record that has no members
  unsigned last_ = 0;
};

Value schema(CommandContext& context, const Arguments&) {
  Schema schema;
  std::set<std::string_view> seen;
  for (const KnownCommand& known : known_commands(context.machine))
    if (seen.insert(known.command->name).second) schema.add(*known.command);
  for (const EventType* const event : known_events(context.machine)) schema.add(*event);
  return schema.take();
}

constexpr TypeMember kNameMembers[] = {{"name", &kText}};
constexpr ValueType kName = record_of(kNameMembers);
constexpr ValueType kNames = list_of(kName);
constexpr TypeMember kEntryMembers[] = {{"name", &kText}, {"meta-type", &kText}};
constexpr ValueType kEntry = open_record_of(kEntryMembers);
constexpr ValueType kSchema = list_of(kEntry);

constexpr Command kCommands[] = {
    {.name = "query-commands",
     .help = "the commands of QMP",
     .returns = &kNames,
     .run = names,
     .for_programs = true,
     .out_of_band = true},
    {.name = "query-events",
     .help = "the events of QMP",
     .returns = &kNames,
     .run = events,
     .for_programs = true,
     .out_of_band = true},
    {.name = "query-qmp-schema",
     .help = "what commands take and return, and events say",
     .returns = &kSchema,
     .run = schema,
     .for_programs = true},
};

}  // namespace

std::span<const Command> schema_commands() { return kCommands; }

}  // namespace backplane::host
