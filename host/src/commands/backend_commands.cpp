// SPDX-License-Identifier: MIT
// The host side of devices: what there is of it, made and taken away while the machine runs.
#include "backplane/block.h"
#include "backplane/chardev.h"
#include "backplane/machine.h"
#include "backplane/netdev.h"
#include "commands/choices.h"
#include "commands/commands.h"
#include "devices/drives.h"
#include "devices/objects.h"

namespace backplane::host {

namespace {

Backends& backends_of(const CommandContext& context) {
  return dynamic_cast<Backends&>(*context.machine.find(Backends::kPath));
}

// --- what there is ----------------------------------------------------------------------------

// Somebody has it, and listens. Of one that several share, each has an end of its own, which is
// below it.
bool is_open(const Chardev& device) {
  const Object* const user = device.user();
  bool is_shared = false;
  for (const auto& child : device.children())
    if (const auto* const end = dynamic_cast<const Chardev*>(child.get());
        end != nullptr && end->user() != &device) {
      if (is_open(*end)) return true;
      is_shared = true;
    }
  if (is_shared) return false;
  const auto* const listener = dynamic_cast<const ChardevUser*>(user);
  return listener != nullptr ? listener->listens() : user != nullptr;
}

Value chardevs(CommandContext& context, const Arguments&) {
  Value::List list;
  for (const auto& backend : backends_of(context).children())
    if (const auto* const device = dynamic_cast<const Chardev*>(backend.get()))
      list.push_back(Value::Record{{"label", device->id()},
                                   {"filename", device->describe()},
                                   {"frontend-open", is_open(*device)}});
  return list;
}

std::string print_chardevs(const Value& list) {
  std::string text;
  for (const Value& device : list.as_list())
    text += fmt::format("{}: {}\n", device.find("label")->as_string(),
                        device.find("filename")->as_string());
  return text.empty() ? "no character devices\n" : text;
}

Value networks(CommandContext& context, const Arguments&) {
  Value::List list;
  for (const Netdev* netdev : objects_offering<Netdev>(backends_of(context)))
    list.push_back(Value::Record{{"id", netdev->id()},
                                 {"description", netdev->describe()},
                                 {"user", netdev->describe_user()}});
  return list;
}

std::string print_networks(const Value& list) {
  std::string text;
  for (const Value& network : list.as_list())
    text +=
        fmt::format("{}: {}; {}\n", network.find("id")->as_string(),
                    network.find("description")->as_string(), network.find("user")->as_string());
  return text.empty() ? "no networks\n" : text;
}

// --- made and taken away ------------------------------------------------------------------------

// What all but those members set of a new backend.
void add(CommandContext& context, const Kind& kind, const Arguments& arguments,
         std::string_view type, std::string_view id) {
  const std::string_view own[] = {type, id};
  backends_of(context).add(kind, arguments.text(type), arguments.text(id),
                           property_texts(arguments.but(own)));
}

void remove(CommandContext& context, const Kind& kind, const std::string& id) {
  Backends& backends = backends_of(context);
  const Object* const found = backends.find(id);
  if (found == nullptr || found->parent() != &backends || !found->object_class().is_a(kind.base))
    throw Error::of("'{}': there is no such {}", id, kind.noun);
  backends.remove(id);
}

Value object_add(CommandContext& context, const Arguments& arguments) {
  add(context, kObjectKind, arguments, "qom-type", "id");
  return {};
}
Value object_del(CommandContext& context, const Arguments& arguments) {
  remove(context, kObjectKind, arguments.text("id"));
  return {};
}
Value blockdev_add(CommandContext& context, const Arguments& arguments) {
  add(context, kBlockKind, arguments, "driver", "node-name");
  return {};
}
Value blockdev_del(CommandContext& context, const Arguments& arguments) {
  remove(context, kBlockKind, arguments.text("node-name"));
  // Another one of that name is not of the -drive any more.
  if (Drives* const drives = context.machine.service<Drives>()) {
    drives->nodes.erase(arguments.text("node-name"));
    drives->discs.erase(arguments.text("node-name"));
  }
  return {};
}
Value netdev_add(CommandContext& context, const Arguments& arguments) {
  add(context, kNetdevKind, arguments, "type", "id");
  return {};
}
Value netdev_del(CommandContext& context, const Arguments& arguments) {
  remove(context, kNetdevKind, arguments.text("id"));
  return {};
}

// QEMU's form of a character device has records within records, whose outer names say nothing that
// the inner ones do not: {"type": "socket", "data": {"addr": {"type": "unix", "data": {"path": P}},
// "server": true}} is path=P,server=on.
void add_innermost(const Value::Record& record, Value::Record& properties) {
  for (const Value::Field& field : record) {
    if (field.value.kind() == Value::Kind::Record)
      add_innermost(field.value.as_record(), properties);
    else if (field.name != "type")
      properties.push_back(field);
  }
}

Value chardev_add(CommandContext& context, const Arguments& arguments) {
  const Value& backend = arguments.at("backend");
  Value::Record properties;
  add_innermost(backend.as_record(), properties);
  const std::string& id = arguments.text("id");
  const Backend& added = backends_of(context).add(kChardevKind, backend.find("type")->as_string(),
                                                  id, property_texts(properties));
  return Value::Record{{"description", added.describe()}};
}
Value chardev_remove(CommandContext& context, const Arguments& arguments) {
  remove(context, kChardevKind, arguments.text("id"));
  return {};
}

constexpr TypeMember kChardevMembers[] = {
    {"label", &kText}, {"filename", &kText}, {"frontend-open", &kBoolean}};
constexpr ValueType kChardevType = record_of(kChardevMembers);
constexpr ValueType kChardevs = list_of(kChardevType);
constexpr TypeMember kNetworkMembers[] = {
    {"id", &kText}, {"description", &kText}, {"user", &kText}};
constexpr ValueType kNetwork = record_of(kNetworkMembers);
constexpr ValueType kNetworks = list_of(kNetwork);

constexpr CommandArgument kId[] = {{.name = "id", .type = &kText, .choices = backend_ids}};
constexpr CommandArgument kObject[] = {{.name = "qom-type", .type = &kText, .kind = &kObjectKind},
                                       {.name = "id", .type = &kText}};
constexpr CommandArgument kNode[] = {{.name = "driver", .type = &kText, .kind = &kBlockKind},
                                     {.name = "node-name", .type = &kText}};
constexpr CommandArgument kNodeName[] = {
    {.name = "node-name", .type = &kText, .choices = backend_ids}};
constexpr CommandArgument kNetdev[] = {{.name = "type", .type = &kText, .kind = &kNetdevKind},
                                       {.name = "id", .type = &kText}};
constexpr TypeMember kChardevBackendMembers[] = {{"type", &kText}, {"data", &kAnything, true}};
constexpr ValueType kChardevBackend = record_of(kChardevBackendMembers);
constexpr CommandArgument kChardev[] = {{.name = "id", .type = &kText},
                                        {.name = "backend", .type = &kChardevBackend}};
constexpr TypeMember kAddedMembers[] = {{"description", &kText}};
constexpr ValueType kAdded = record_of(kAddedMembers);

constexpr Command kCommands[] = {
    {.name = "query-chardev",
     .help = "character devices and where they lead",
     .returns = &kChardevs,
     .run = chardevs,
     .print = print_chardevs},
    {.name = "query-network",
     .help = "networks and the devices on them",
     .returns = &kNetworks,
     .run = networks,
     .print = print_networks},
    {.name = "object-add",
     .help = "make a backend of any kind",
     .arguments = kObject,
     .takes_properties = true,
     .run = object_add},
    {.name = "object-del",
     .help = "take one away that nothing uses",
     .arguments = kId,
     .run = object_del},
    {.name = "blockdev-add",
     .help = "make a node for a disk",
     .arguments = kNode,
     .takes_properties = true,
     .run = blockdev_add},
    {.name = "blockdev-del",
     .help = "take one away that nothing uses",
     .arguments = kNodeName,
     .run = blockdev_del},
    {.name = "netdev_add",
     .help = "make a network",
     .arguments = kNetdev,
     .takes_properties = true,
     .run = netdev_add},
    {.name = "netdev_del",
     .help = "take one away that nothing uses",
     .arguments = kId,
     .run = netdev_del},
    {.name = "chardev-add",
     .help = "make a character device",
     .arguments = kChardev,
     .returns = &kAdded,
     .run = chardev_add,
     .for_programs = true},
    {.name = "chardev-remove",
     .help = "take one away that nothing uses",
     .arguments = kId,
     .run = chardev_remove},
};

}  // namespace

std::span<const Command> backend_commands() { return kCommands; }

}  // namespace backplane::host
