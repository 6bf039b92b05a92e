// SPDX-License-Identifier: MIT
// Devices that come and go while the machine runs.
#include "backplane/machine.h"
#include "backplane/netdev.h"
#include "commands/choices.h"
#include "commands/commands.h"
#include "devices/devices.h"
#include "devices/drives.h"

namespace backplane::host {

namespace {

Value device_add(CommandContext& context, const Arguments& arguments) {
  const Drives* const drives = context.machine.service<Drives>();
  add_device(context.machine, KeyValueList::of(property_texts(arguments.but({}))),
             drives != nullptr ? drives->uses : std::map<std::string, DriveUse>());
  return {};
}

Value device_del(CommandContext& context, const Arguments& arguments) {
  const std::string& id = arguments.text("id");
  Device* const device = context.machine.find_device(id);
  if (device == nullptr)
    throw CommandError("DeviceNotFound", fmt::format("Device '{}' not found", shown(id)));
  if (device->bus() == nullptr)
    throw Error::of("{} is on no bus, and stays while the machine runs", device->type_name());
  device->bus()->request_unplug(*device);
  return {};
}

// The card of that name, or the one on the network of that name.
Object* card_of(Machine& machine, const std::string& name) {
  if (Device* const device = machine.find_device(name)) return device;
  auto* const netdev =
      dynamic_cast<Netdev*>(machine.find(fmt::format("{}/{}", Backends::kPath, name)));
  const Object* const user = netdev != nullptr ? netdev->user() : nullptr;
  return user != nullptr ? machine.find(user->path()) : nullptr;
}

Value set_link(CommandContext& context, const Arguments& arguments) {
  constexpr std::string_view kLink = "link";
  const std::string& name = arguments.text("name");
  Object* const card = card_of(context.machine, name);
  if (card == nullptr)
    throw CommandError("DeviceNotFound", fmt::format("Device '{}' not found", shown(name)));
  if (card->object_class().find_property(kLink) == nullptr)
    throw Error::of("'{}' is a {}, which has no cable", name, card->type_name());
  card->set_value(kLink, arguments.at("up"));
  return {};
}

constexpr CommandArgument kLinkArguments[] = {{.name = "name",
                                               .type = &kText,
                                               .help = "of the card, or of its network",
                                               .choices = device_ids},
                                              {.name = "up", .type = &kBoolean}};
constexpr CommandArgument kAdd[] = {{.name = "driver", .type = &kText, .kind = &kDeviceKind},
                                    {.name = "id", .type = &kText, .optional = true},
                                    {.name = "bus", .type = &kText, .optional = true}};
constexpr CommandArgument kDelete[] = {{.name = "id",
                                        .type = &kText,
                                        .help = "what it was called, or its path",
                                        .choices = device_ids}};

constexpr Command kCommands[] = {
    {.name = "device_add",
     .help = "add a device",
     .arguments = kAdd,
     .takes_properties = true,
     .in = {Presence::Here},
     .run = device_add},
    {.name = "device_del",
     .help = "ask the guest to let go of one; DEVICE_DELETED says when it is gone",
     .arguments = kDelete,
     .in = {Presence::Here},
     .run = device_del},
    {.name = "set_link",
     .help = "plug a network card's cable in, or pull it out",
     .arguments = kLinkArguments,
     .in = {Presence::Here},
     .run = set_link},
};

}  // namespace

std::span<const Command> device_commands() { return kCommands; }

}  // namespace backplane::host
