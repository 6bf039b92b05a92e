// SPDX-License-Identifier: MIT
// Devices that come and go while the machine runs.
#include "backplane/machine.h"
#include "commands/choices.h"
#include "commands/commands.h"
#include "devices/devices.h"
#include "devices/drives.h"

namespace backplane::host {

namespace {

Value device_add(CommandContext& context, const Arguments& arguments) {
  const Drives* const drives = context.machine.service<Drives>();
  add_device(context.machine, KeyValueList::of(property_texts(arguments.but({}))),
             drives != nullptr ? drives->properties : std::map<std::string, Properties>());
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
     .run = device_add},
    {.name = "device_del",
     .help = "ask the guest to let go of one; DEVICE_DELETED says when it is gone",
     .arguments = kDelete,
     .run = device_del},
};

}  // namespace

std::span<const Command> device_commands() { return kCommands; }

}  // namespace backplane::host
