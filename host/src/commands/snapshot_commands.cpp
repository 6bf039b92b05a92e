// SPDX-License-Identifier: MIT
// Snapshots inside of disk images: of the machine with all its disks, and of one disk.
#include <fmt/chrono.h>

#include <ctime>

#include "backplane/backend.h"
#include "backplane/machine.h"
#include "backplane/migration.h"
#include "backplane/snapshots.h"
#include "commands/choices.h"
#include "commands/commands.h"
#include "commands/snapshot_types.h"
#include "launch/progress.h"

namespace backplane::host {

namespace {

// What is sent away is neither changed under way nor kept.
void expect_stays(const CommandContext& context) {
  const MigrationStatus status = context.migration.status();
  if (status == MigrationStatus::Setup || status == MigrationStatus::Active ||
      status == MigrationStatus::Device)
    throw Error("the machine is being sent away").with_hint("migrate_cancel ends that");
}

// For one that nobody named.
std::string name_of_now() {
  const std::time_t now = std::time(nullptr);
  return fmt::format("vm-{:%Y%m%d%H%M%S}", fmt::localtime(now));
}

Value save(CommandContext& context, const Arguments& arguments) {
  expect_stays(context);
  ProgressLine progress("saving");
  save_snapshot(context.machine, arguments.text_or("name", name_of_now()), progress.shower());
  return {};
}

Value load(CommandContext& context, const Arguments& arguments) {
  expect_stays(context);
  ProgressLine progress("loading");
  load_snapshot(context.machine, arguments.text("name"), progress.shower());
  return {};
}

Value remove(CommandContext& context, const Arguments& arguments) {
  expect_stays(context);
  delete_snapshot(context.machine, arguments.text("name"));
  return {};
}

Value list(CommandContext& context, const Arguments&) {
  return describe_snapshots(machine_snapshots(context.machine));
}

std::string print_list(const Value& snapshots) {
  if (snapshots.as_list().empty()) return "There is no snapshot available.\n";
  return "List of snapshots present on all disks:\n" + print_snapshots(snapshots);
}

// --- of one disk --------------------------------------------------------------------------------

BlockNode& disk_in(const CommandContext& context, const Arguments& arguments) {
  const std::string& name = arguments.text("device");
  if (Object* const node = context.machine.find(Backends::kPath)->find(name))
    if (auto* const disk = dynamic_cast<BlockNode*>(node);
        disk != nullptr && dynamic_cast<const Backend*>(disk->user()) == nullptr)
      return *disk;
  throw CommandError("DeviceNotFound", fmt::format("Device '{}' not found", shown(name)));
}

Value save_disk(CommandContext& context, const Arguments& arguments) {
  expect_stays(context);
  save_disk_snapshot(context.machine, disk_in(context, arguments), arguments.text("name"));
  return {};
}

Value remove_disk(CommandContext& context, const Arguments& arguments) {
  expect_stays(context);
  if (!arguments.has("id") && !arguments.has("name")) throw Error("Name or id must be provided");
  const Snapshot gone =
      delete_disk_snapshot(context.machine, disk_in(context, arguments),
                           std::string(arguments.text_or("id", "")), arguments.text_or("name", ""));
  return describe_snapshots({gone}).as_list().front();
}

std::vector<std::string> snapshot_names(Machine& machine) {
  std::vector<std::string> names;
  try {
    for (const Snapshot& snapshot : machine_snapshots(machine)) names.push_back(snapshot.name);
  } catch (const Error&) {
    // Who asks for one is told.
  }
  return names;
}

constexpr CommandArgument kSave[] = {{.name = "name",
                                      .type = &kText,
                                      .optional = true,
                                      .help = "replaces one of that name",
                                      .choices = snapshot_names}};
constexpr CommandArgument kNamed[] = {{.name = "name", .type = &kText, .choices = snapshot_names}};
constexpr CommandArgument kDevice{
    .name = "device", .type = &kText, .help = "node-name of a disk", .choices = backend_ids};
constexpr CommandArgument kSaveDisk[] = {kDevice, {.name = "name", .type = &kText}};
constexpr CommandArgument kRemoveDisk[] = {
    kDevice,
    {.name = "id", .type = &kText, .optional = true, .letter = 'i', .help = "or its name"},
    {.name = "name", .type = &kText, .optional = true}};

constexpr Command kCommands[] = {
    {.name = "savevm",
     .help = "keep the machine and its disks as they are now, inside of the images",
     .arguments = kSave,
     .in = {Presence::Here},
     .run = save},
    {.name = "loadvm",
     .help = "put the machine and its disks back to what they were then",
     .arguments = kNamed,
     .in = {Presence::Here},
     .run = load},
    {.name = "delvm",
     .help = "remove what savevm has kept",
     .arguments = kNamed,
     .in = {Presence::Here},
     .run = remove},
    {.name = "query-snapshots",
     .help = "what savevm has kept",
     .returns = &kSnapshots,
     .in = {Presence::Here},
     .run = list,
     .print = print_list},
    {.name = "blockdev-snapshot-internal-sync",
     .help = "keep one disk as it is now, inside of its image",
     .arguments = kSaveDisk,
     .in = {Presence::Here},
     .run = save_disk},
    {.name = "blockdev-snapshot-delete-internal-sync",
     .help = "remove a snapshot of one disk",
     .arguments = kRemoveDisk,
     .returns = &kSnapshotInfo,
     .in = {Presence::Here},
     .run = remove_disk},
};

}  // namespace

std::span<const Command> snapshot_commands() { return kCommands; }

}  // namespace backplane::host
