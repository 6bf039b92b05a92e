// SPDX-License-Identifier: MIT
// Discs that come and go while the machine runs.
#include "backplane/backend.h"
#include "backplane/block.h"
#include "backplane/machine.h"
#include "commands/commands.h"
#include "devices/disc_drives.h"
#include "devices/drives.h"

namespace backplane::host {

namespace {

Backends& backends_of(const CommandContext& context) {
  return dynamic_cast<Backends&>(*context.machine.find(Backends::kPath));
}

// Where what is opened and closed with the medium is noted.
Drives& drives_of(const CommandContext& context) {
  Drives* const drives = context.machine.service<Drives>();
  if (drives == nullptr) throw Error("the machine has no drives yet");
  return *drives;
}

const std::string& name_in(const Arguments& arguments) {
  if (arguments.has("device") == arguments.has("id"))
    throw Error("Need exactly one of 'device' and 'id'");
  return arguments.text(arguments.has("device") ? "device" : "id");
}

Device& drive_in(const CommandContext& context, const Arguments& arguments) {
  return find_disc_drive(context.machine, name_in(arguments));
}

void expect_tray_open(Device& drive, const std::string& name, bool force) {
  if (!open_tray(drive, force))
    throw Error::of(
        "Device '{}' is locked and force was not specified, wait for tray to open and try again",
        name);
}

void take_out(const CommandContext& context, Device& drive, const std::string& name) {
  if (!is_tray_open(drive)) throw Error::of("Tray of device '{}' is not open", name);
  const std::string medium = drive.get_property("drive");
  if (medium.empty()) return;
  drive.set_property("drive", "");
  close_drive(backends_of(context), drives_of(context), medium);
}

void put_in(const CommandContext& context, Device& drive, const std::string& name,
            const std::string& node_name) {
  const auto* const node = dynamic_cast<const BlockNode*>(backends_of(context).find(node_name));
  if (node == nullptr) throw Error::of("Node '{}' not found", node_name);
  if (node->user() != nullptr) throw Error::of("Node '{}' is already in use", node_name);
  if (!is_tray_open(drive)) throw Error::of("Tray of device '{}' is not open", name);
  if (!drive.get_property("drive").empty())
    throw Error::of("There already is a medium in device '{}'", name);
  drive.set_property("drive", node_name);
}

// The name of a node for another disc in that drive.
std::string new_node_name(Backends& backends, const Device& drive) {
  std::string base = drive.get_property("medium-name");
  if (base.empty()) base = drive.id().empty() ? "disc" : drive.id();
  for (unsigned number = 1;; ++number) {
    std::string name = fmt::format("{}.{}", base, number);
    if (backends.find(name) == nullptr && backends.find(name + ".file") == nullptr) return name;
  }
}

// The one that is in it stays until the other is open.
void change_disc(const CommandContext& context, Device& drive, const std::string& name,
                 const std::string& file, const std::string& format, bool force) {
  Backends& backends = backends_of(context);
  Drives& drives = drives_of(context);
  const std::string node_name = new_node_name(backends, drive);
  open_disc(backends, drives, node_name, file, format);
  try {
    expect_tray_open(drive, name, force);
    take_out(context, drive, name);
    put_in(context, drive, name, node_name);
  } catch (...) {
    close_drive(backends, drives, node_name);
    throw;
  }
  close_tray(drive);
}

Value eject(CommandContext& context, const Arguments& arguments) {
  const std::string& name = name_in(arguments);
  Device& drive = drive_in(context, arguments);
  expect_tray_open(drive, name, arguments.flag("force"));
  take_out(context, drive, name);
  return {};
}

Value open(CommandContext& context, const Arguments& arguments) {
  open_tray(drive_in(context, arguments), arguments.flag("force"));
  return {};
}

Value close(CommandContext& context, const Arguments& arguments) {
  close_tray(drive_in(context, arguments));
  return {};
}

Value remove(CommandContext& context, const Arguments& arguments) {
  const std::string& name = arguments.text("id");
  take_out(context, find_disc_drive(context.machine, name), name);
  return {};
}

Value insert(CommandContext& context, const Arguments& arguments) {
  const std::string& name = arguments.text("id");
  put_in(context, find_disc_drive(context.machine, name), name, arguments.text("node-name"));
  return {};
}

Value change_medium(CommandContext& context, const Arguments& arguments) {
  change_disc(context, drive_in(context, arguments), name_in(arguments), arguments.text("filename"),
              arguments.text_or("format", ""), arguments.flag("force"));
  return {};
}

// In the monitor: "change DEVICE FILE", or "change vnc password WORD".
Value change(CommandContext& context, const Arguments& arguments) {
  const std::string& name = arguments.text("device");
  const std::string& target = arguments.text("target");
  if (name != "vnc") {
    change_disc(context, find_disc_drive(context.machine, name), name, target,
                arguments.text_or("arg", ""), arguments.flag("force"));
    return {};
  }
  if (target != "password" || !arguments.has("arg"))
    throw Error("of vnc, the password can be changed: 'change vnc password WORD'");
  return run_command(find_command(context.machine, "change-vnc-password"), context,
                     Value::Record{{"password", arguments.at("arg")}});
}

constexpr CommandArgument kDevice{.name = "device",
                                  .type = &kText,
                                  .optional = true,
                                  .help = "drive, by its name or id, or by what is in it",
                                  .choices = disc_drive_names};
constexpr CommandArgument kId{.name = "id",
                              .type = &kText,
                              .optional = true,
                              .letter = 'i',
                              .help = "the same",
                              .choices = disc_drive_names};
constexpr CommandArgument kDrive{
    .name = "id", .type = &kText, .help = kDevice.help, .choices = disc_drive_names};
constexpr CommandArgument kForce{.name = "force",
                                 .type = &kBoolean,
                                 .optional = true,
                                 .letter = 'f',
                                 .help = "although the guest has locked it"};
constexpr std::string_view kReadOnlyModes[] = {"retain", "read-only"};
constexpr ValueType kReadOnlyMode = one_of(kReadOnlyModes);

constexpr CommandArgument kOpen[] = {kDevice, kId, kForce};
constexpr CommandArgument kClose[] = {kDevice, kId};
constexpr CommandArgument kRemove[] = {kDrive};
constexpr CommandArgument kInsert[] = {kDrive, {.name = "node-name", .type = &kText}};
constexpr CommandArgument kChangeMedium[] = {
    kDevice,
    kId,
    {.name = "filename", .type = &kText},
    {.name = "format", .type = &kText, .optional = true, .kind = &kBlockKind},
    kForce,
    {.name = "read-only-mode", .type = &kReadOnlyMode, .optional = true, .help = "is always so"}};
constexpr CommandArgument kChange[] = {
    {.name = "device", .type = &kText, .help = "drive, or vnc", .choices = disc_drive_names},
    {.name = "target", .type = &kText, .help = "file, or password"},
    {.name = "arg",
     .type = &kText,
     .optional = true,
     .help = "format of the file, or the password"},
    kForce};

constexpr Command kCommands[] = {
    {.name = "eject",
     .help = "open a drive's tray, and take out what is in it",
     .arguments = kOpen,
     .in = {Presence::Here},
     .run = eject},
    {.name = "change",
     .help = "put another disc into a drive, or change the password of VNC",
     .arguments = kChange,
     .run = change},
    {.name = "blockdev-open-tray",
     .help = "open a drive's tray, or ask the guest that has locked it",
     .arguments = kOpen,
     .in = {Presence::Here},
     .run = open},
    {.name = "blockdev-close-tray",
     .help = "close it",
     .arguments = kClose,
     .in = {Presence::Here},
     .run = close},
    {.name = "blockdev-remove-medium",
     .help = "take out what is in an open tray",
     .arguments = kRemove,
     .in = {Presence::Here},
     .run = remove},
    {.name = "blockdev-insert-medium",
     .help = "put a node into an open tray",
     .arguments = kInsert,
     .in = {Presence::Here},
     .run = insert},
    {.name = "blockdev-change-medium",
     .help = "put another disc into a drive",
     .arguments = kChangeMedium,
     .in = {Presence::Here},
     .run = change_medium,
     .for_programs = true},
};

}  // namespace

std::span<const Command> medium_commands() { return kCommands; }

}  // namespace backplane::host
