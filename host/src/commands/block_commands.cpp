// SPDX-License-Identifier: MIT
// Disks: what there is of them, and what their devices have had carried out.
#include "backplane/backend.h"
#include "backplane/block.h"
#include "backplane/block_queue.h"
#include "backplane/image.h"
#include "backplane/machine.h"
#include "commands/choices.h"
#include "commands/commands.h"
#include "commands/snapshot_types.h"
#include "devices/disc_drives.h"

namespace backplane::host {

namespace {

std::vector<BlockNode*> nodes_of(const CommandContext& context) {
  return objects_offering<BlockNode>(*context.machine.find(Backends::kPath));
}

bool is_below_another(const BlockNode& node) {
  return dynamic_cast<const Backend*>(node.user()) != nullptr;
}

// One made in place has no name that a manager could use.
bool has_name(const BlockNode& node) {
  return dynamic_cast<const Backends*>(node.parent()) != nullptr;
}

Value image_of(const BlockNode& node) {
  Value::Record image{{"filename", node.where()},
                      {"format", kBlockKind.user_name(node.type_name())},
                      {"virtual-size", node.size()}};
  if (const auto* const kept = dynamic_cast<const DiskImage*>(&node);
      kept != nullptr && node.is_here())
    if (const std::vector<Snapshot> snapshots = kept->snapshots(); !snapshots.empty())
      image.push_back({"snapshots", describe_snapshots(snapshots)});
  return Value::Record{{"node-name", node.id()},
                       {"file", node.where()},
                       {"drv", kBlockKind.user_name(node.type_name())},
                       {"ro", node.read_only()},
                       {"image", std::move(image)},
                       {"description", node.describe()}};
}

// --- query-block --------------------------------------------------------------------------------

// What is in that device, if one has it. A drive may be empty.
Value disk_of(const BlockNode* node, const Object* user) {
  const auto* const drive =
      user != nullptr && is_disc_drive(*user) ? dynamic_cast<const Device*>(user) : nullptr;
  std::string name = drive != nullptr ? drive->get_property("medium-name") : std::string();
  if (name.empty() && node != nullptr) name = node->id();
  Value::Record disk{{"device", std::move(name)}};
  if (user != nullptr) disk.push_back({"qdev", user->path()});
  disk.push_back({"type", "unknown"});
  disk.push_back({"removable", drive != nullptr});
  disk.push_back({"locked", drive != nullptr && drive->get_value("locked").as_bool()});
  if (drive != nullptr) disk.push_back({"tray_open", is_tray_open(*drive)});
  if (node != nullptr) disk.push_back({"inserted", image_of(*node)});
  if (node != nullptr && node->queue() != nullptr)
    disk.push_back({"queue", node->queue()->describe()});
  return disk;
}

Value disks(CommandContext& context, const Arguments&) {
  Value::List list;
  for (const BlockNode* const node : nodes_of(context))
    if (!is_below_another(*node))  // that one tells
      list.push_back(disk_of(node, node->user()));
  for (const Device* const drive : disc_drives(context.machine))
    if (drive->get_property("drive").empty()) list.push_back(disk_of(nullptr, drive));
  return list;
}

std::string print_disks(const Value& list) {
  std::string text;
  for (const Value& disk : list.as_list()) {
    const Value* const inserted = disk.find("inserted");
    const std::string& name = disk.find("device")->as_string();
    text += fmt::format(
        "{}: {}", name.empty() ? disk.find("qdev")->as_string() : name,
        inserted != nullptr ? inserted->find("description")->as_string() : "[not inserted]");
    if (const Value* const queue = disk.find("queue")) text += ", " + queue->as_string();
    if (disk.find("locked")->as_bool()) text += ", locked";
    if (const Value* const open = disk.find("tray_open"); open != nullptr && open->as_bool())
      text += ", tray open";
    text += '\n';
  }
  return text.empty() ? "no disk images\n" : text;
}

// --- query-named-block-nodes --------------------------------------------------------------------

Value named_nodes(CommandContext& context, const Arguments&) {
  Value::List list;
  for (const BlockNode* const node : nodes_of(context))
    if (has_name(*node)) list.push_back(image_of(*node));
  return list;
}

// --- block_resize -------------------------------------------------------------------------------

Value resize(CommandContext& context, const Arguments& arguments) {
  if (arguments.has("device") == arguments.has("node-name"))
    throw Error("Need exactly one of 'device' and 'node-name'");
  const std::string& name = arguments.text(arguments.has("device") ? "device" : "node-name");
  for (BlockNode* const node : nodes_of(context))
    if (has_name(*node) && node->id() == name) {
      node->resize(arguments.number("size"));
      return {};
    }
  throw CommandError("DeviceNotFound", fmt::format("Device '{}' not found", shown(name)));
}

// Nothing is done to disks in the background.
Value jobs(CommandContext&, const Arguments&) { return Value::List{}; }

// --- query-blockstats ---------------------------------------------------------------------------

Value statistics_of(const BlockNode& node) {
  const BlockStatistics done =
      node.queue() != nullptr ? node.queue()->statistics() : BlockStatistics{};
  return Value::Record{{"rd_bytes", done.read.bytes},
                       {"wr_bytes", done.write.bytes},
                       {"unmap_bytes", done.discard.bytes},
                       {"rd_operations", done.read.operations},
                       {"wr_operations", done.write.operations},
                       {"flush_operations", done.flush.operations},
                       {"unmap_operations", done.discard.operations},
                       {"rd_total_time_ns", done.read.time_ns},
                       {"wr_total_time_ns", done.write.time_ns},
                       {"flush_total_time_ns", done.flush.time_ns},
                       {"unmap_total_time_ns", done.discard.time_ns},
                       {"failed_rd_operations", done.read.failed},
                       {"failed_wr_operations", done.write.failed},
                       {"failed_flush_operations", done.flush.failed},
                       {"failed_unmap_operations", done.discard.failed}};
}

Value statistics(CommandContext& context, const Arguments& arguments) {
  const bool of_nodes = arguments.flag("query-nodes");
  Value::List list;
  for (const BlockNode* const node : nodes_of(context)) {
    if (of_nodes ? !has_name(*node) : is_below_another(*node)) continue;
    Value::Record entry;
    // Under one name each: programs keep them by all the names that there are.
    entry.push_back({of_nodes ? "node-name" : "device", node->id()});
    if (!of_nodes && node->user() != nullptr) entry.push_back({"qdev", node->user()->path()});
    entry.push_back({"stats", statistics_of(*node)});
    list.push_back(std::move(entry));
  }
  return list;
}

std::string print_statistics(const Value& list) {
  std::string text;
  for (const Value& entry : list.as_list()) {
    const Value* const device = entry.find("device");
    text += (device != nullptr ? device : entry.find("node-name"))->as_string() + ":";
    for (const Value::Field& counter : entry.find("stats")->as_record())
      text += fmt::format(" {}={}", counter.name, counter.value.as_unsigned());
    text += '\n';
  }
  return text.empty() ? "no disk images\n" : text;
}

constexpr TypeMember kImageMembers[] = {{"filename", &kText},
                                        {"format", &kText},
                                        {"virtual-size", &kBytes},
                                        {"snapshots", &kSnapshots, true}};
constexpr ValueType kImage = record_of(kImageMembers);
constexpr TypeMember kInsertedMembers[] = {{"node-name", &kText}, {"file", &kText},
                                           {"drv", &kText},       {"ro", &kBoolean},
                                           {"image", &kImage},    {"description", &kText}};
constexpr ValueType kInserted = record_of(kInsertedMembers);
constexpr ValueType kNodes = list_of(kInserted);
constexpr TypeMember kDiskMembers[] = {{"device", &kText},
                                       {"qdev", &kText, true},
                                       {"type", &kText},
                                       {"removable", &kBoolean},
                                       {"locked", &kBoolean},
                                       {"tray_open", &kBoolean, true},
                                       {"inserted", &kInserted, true},
                                       {"queue", &kText, true}};
constexpr ValueType kDisk = record_of(kDiskMembers);
constexpr ValueType kDisks = list_of(kDisk);
constexpr TypeMember kCounterMembers[] = {{"rd_bytes", &kInteger},
                                          {"wr_bytes", &kInteger},
                                          {"unmap_bytes", &kInteger},
                                          {"rd_operations", &kInteger},
                                          {"wr_operations", &kInteger},
                                          {"flush_operations", &kInteger},
                                          {"unmap_operations", &kInteger},
                                          {"rd_total_time_ns", &kInteger},
                                          {"wr_total_time_ns", &kInteger},
                                          {"flush_total_time_ns", &kInteger},
                                          {"unmap_total_time_ns", &kInteger},
                                          {"failed_rd_operations", &kInteger},
                                          {"failed_wr_operations", &kInteger},
                                          {"failed_flush_operations", &kInteger},
                                          {"failed_unmap_operations", &kInteger}};
constexpr ValueType kCounters = record_of(kCounterMembers);
constexpr TypeMember kStatisticsMembers[] = {{"device", &kText, true},
                                             {"qdev", &kText, true},
                                             {"node-name", &kText, true},
                                             {"stats", &kCounters}};
constexpr ValueType kStatistics = record_of(kStatisticsMembers);
constexpr ValueType kStatisticsList = list_of(kStatistics);

constexpr TypeMember kJobMembers[] = {{"id", &kText}, {"type", &kText}, {"status", &kText}};
constexpr ValueType kJob = record_of(kJobMembers);
constexpr ValueType kJobs = list_of(kJob);

constexpr CommandArgument kResize[] = {
    {.name = "device", .type = &kText, .optional = true, .choices = backend_ids},
    {.name = "node-name", .type = &kText, .optional = true, .letter = 'n', .choices = backend_ids},
    {.name = "size", .type = &kBytes, .unit = 1_MiB, .help = "not less than it has"}};
constexpr CommandArgument kFlat[] = {
    {.name = "flat", .type = &kBoolean, .optional = true, .letter = 'f', .help = "is always so"}};
constexpr CommandArgument kQueryNodes[] = {
    {.name = "query-nodes",
     .type = &kBoolean,
     .optional = true,
     .letter = 'n',
     .help = "of every node that has a name, not of disks alone"}};

constexpr Command kCommands[] = {
    {.name = "query-block",
     .help = "disk images",
     .returns = &kDisks,
     .run = disks,
     .print = print_disks},
    {.name = "query-named-block-nodes",
     .help = "the nodes that disks are made of",
     .arguments = kFlat,
     .returns = &kNodes,
     .run = named_nodes},
    {.name = "block_resize",
     .help = "make a disk longer",
     .arguments = kResize,
     .in = {Presence::Here},
     .run = resize},
    {.name = "query-jobs",
     .help = "what is under way on disks: there is nothing",
     .returns = &kJobs,
     .run = jobs,
     .out_of_band = true},
    {.name = "query-blockstats",
     .help = "what disks have read and written",
     .arguments = kQueryNodes,
     .returns = &kStatisticsList,
     .run = statistics,
     .print = print_statistics},
};

}  // namespace

std::span<const Command> block_commands() { return kCommands; }

}  // namespace backplane::host
