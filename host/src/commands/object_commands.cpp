// SPDX-License-Identifier: MIT
// The composition tree and the types of what is in it.
#include "backplane/catalogue.h"
#include "backplane/device.h"
#include "backplane/machine.h"
#include "commands/choices.h"
#include "commands/commands.h"

namespace backplane::host {

namespace {

Object& object_at(CommandContext& context, const std::string& path) {
  Object* const object = context.machine.find(path.starts_with('/') ? path : "/" + path);
  if (object == nullptr)
    throw CommandError("DeviceNotFound", fmt::format("Device '{}' not found", shown(path)));
  return *object;
}

Value list(CommandContext& context, const Arguments& arguments) {
  const Object& object = object_at(context, arguments.text("path"));
  Value::List members;
  for (const Property& property : object.object_class().properties)
    members.push_back(Value::Record{{"name", property.name}, {"type", property.type_name}});
  for (const auto& child : object.children())
    members.push_back(Value::Record{{"name", child->child_name()},
                                    {"type", fmt::format("child<{}>", child->type_name())}});
  return members;
}

// A child is read as its path.
Value get(CommandContext& context, const Arguments& arguments) {
  const Object& object = object_at(context, arguments.text("path"));
  const std::string& property = arguments.text("property");
  for (const auto& child : object.children())
    if (child->child_name() == property) return child->path();
  return object.get_value(property);
}

Value set(CommandContext& context, const Arguments& arguments) {
  Object& object = object_at(context, arguments.text("path"));
  const std::string& name = arguments.text("property");
  const Property* const property = object.object_class().find_property(name);
  // What a realized device was made with stays.
  const auto* const device = dynamic_cast<const Device*>(&object);
  if (property != nullptr && !property->dynamic && (device == nullptr || device->realized()))
    throw Error::of("{}.{}: cannot be changed while the machine runs", object.type_name(), name);
  object.set_value(name, arguments.at("value"));
  return {};
}

// What derives from a type, the frame's own and what modules offer; nothing is loaded.
Value list_types(CommandContext&, const Arguments& arguments) {
  Value::List types;
  for (const ModuleIndex::TypeListing& type :
       ModuleIndex::instance().list_types(arguments.text_or("implements", Object::kTypeName))) {
    if (type.abstract && !arguments.flag("abstract")) continue;
    Value::Record record{{"name", type.name}};
    if (type.abstract) record.push_back({"abstract", true});
    if (!type.parent.empty()) record.push_back({"parent", type.parent});
    types.push_back(std::move(record));
  }
  return types;
}

Value properties_of(const std::string& type) {
  const ObjectClass* const k = class_by_name(type);
  if (k == nullptr)
    throw CommandError("DeviceNotFound", fmt::format("Class '{}' not found", shown(type)));
  Value::List properties;
  for (const PropertyDescription& property : describe_properties(*k)) {
    Value::Record record{{"name", property.name},
                         {"type", property.type_name},
                         {"description", property.description}};
    if (!property.default_value.is_null())
      record.push_back({"default-value", property.default_value});
    properties.push_back(std::move(record));
  }
  return properties;
}

// libvirt asks for the properties of this one whether there is such a type or not, and an error is
// its own end: none then.
constexpr std::string_view kAskedForAnyway = "memory-backend-file";

Value type_properties(CommandContext&, const Arguments& arguments) {
  if (arguments.text("typename") == kAskedForAnyway) return Value::List{};
  return properties_of(arguments.text("typename"));
}

Value device_properties(CommandContext&, const Arguments& arguments) {
  const std::string& type = arguments.text("typename");
  const ObjectClass* const k = class_by_name(type);
  if (k != nullptr && !k->is_a(Device::kTypeName))
    throw Error::of("Parameter 'typename' expects a device type, not '{}'", type);
  return properties_of(type);
}

constexpr CommandArgument kPath[] = {{.name = "path", .type = &kText, .choices = object_paths}};
constexpr CommandArgument kGet[] = {{.name = "path", .type = &kText, .choices = object_paths},
                                    {.name = "property", .type = &kText}};
constexpr CommandArgument kSet[] = {{.name = "path", .type = &kText, .choices = object_paths},
                                    {.name = "property", .type = &kText},
                                    {.name = "value", .type = &kAnything}};
constexpr CommandArgument kTypes[] = {
    {.name = "implements", .type = &kText, .optional = true},
    {.name = "abstract", .type = &kBoolean, .optional = true, .letter = 'a'}};
constexpr CommandArgument kTypeName[] = {
    {.name = "typename", .type = &kText, .choices = type_names}};

constexpr TypeMember kMembers[] = {{"name", &kText},
                                   {"type", &kText},
                                   {"description", &kText, true},
                                   {"default-value", &kAnything, true}};
constexpr ValueType kMember = record_of(kMembers);
constexpr ValueType kMemberList = list_of(kMember);
constexpr TypeMember kTypeMembers[] = {
    {"name", &kText}, {"abstract", &kBoolean, true}, {"parent", &kText, true}};
constexpr ValueType kType = record_of(kTypeMembers);
constexpr ValueType kTypeList = list_of(kType);

constexpr Command kCommands[] = {
    {.name = "qom-list",
     .help = "the properties and children of an object",
     .arguments = kPath,
     .returns = &kMemberList,
     .run = list},
    {.name = "qom-get",
     .help = "the value of a property",
     .arguments = kGet,
     .returns = &kAnything,
     .run = get},
    {.name = "qom-set", .help = "set a property", .arguments = kSet, .run = set},
    {.name = "qom-list-types",
     .help = "the types that derive from one, installed or the program's own",
     .arguments = kTypes,
     .returns = &kTypeList,
     .run = list_types},
    {.name = "qom-list-properties",
     .help = "the properties of a type",
     .arguments = kTypeName,
     .returns = &kMemberList,
     .run = type_properties},
    {.name = "device-list-properties",
     .help = "the properties of a type of device",
     .arguments = kTypeName,
     .returns = &kMemberList,
     .run = device_properties},
};

}  // namespace

std::span<const Command> object_commands() { return kCommands; }

}  // namespace backplane::host
