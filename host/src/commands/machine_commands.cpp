// SPDX-License-Identifier: MIT
// What can be asked about the machine: run state, CPUs, memory, devices.
#include "backplane/io_thread.h"
#include "backplane/machine.h"
#include "backplane/machine_state.h"
#include "commands/commands.h"
#include "commands/device_tree.h"
#include "commands/machine_state.h"
#include "commands/memory_tree.h"

namespace backplane::host {

namespace {

// In QEMU's words.
constexpr std::string_view kRunStates[] = {
    "running",        "paused",   "prelaunch",   "internal-error", "io-error",
    "guest-panicked", "shutdown", "postmigrate", "debug",          "inmigrate"};

std::string_view run_state(Machine& machine) {
  RunControl& control = machine.run_control();
  if (control.state() == RunState::Running) return kRunStates[0];
  if (machine.config().will_be_received) return kRunStates[9];
  switch (control.stop_cause()) {
    case StopCause::InternalError:
      return kRunStates[3];
    case StopCause::IoError:
      return kRunStates[4];
    case StopCause::GuestPanic:
      return kRunStates[5];
    case StopCause::GuestShutdown:
      return kRunStates[6];
    case StopCause::Migrated:
      return kRunStates[7];
    case StopCause::Debug:
      return kRunStates[8];
    case StopCause::Request:
      break;
  }
  // One that was loaded has run elsewhere.
  const bool has_run = control.has_run() || machine.config().will_load_state;
  return has_run ? kRunStates[1] : kRunStates[2];
}

Value status(CommandContext& context, const Arguments&) {
  return Value::Record{{"status", run_state(context.machine)},
                       {"running", context.machine.run_control().state() == RunState::Running}};
}

std::string print_status(const Value& value) {
  const std::string& status = value.find("status")->as_string();
  if (value.find("running")->as_bool()) return "VM status: running\n";
  return status == "paused" ? "VM status: paused\n"
                            : fmt::format("VM status: paused ({})\n", status);
}

Value name(CommandContext& context, const Arguments&) {
  const std::string& given = context.machine.config().name;
  return given.empty() ? Value::Record{} : Value::Record{{"name", given}};
}

std::string print_name(const Value& value) {
  const Value* const given = value.find("name");
  return given == nullptr ? "the guest has no name: -name gives it one\n"
                          : given->as_string() + "\n";
}

Value uuid(CommandContext& context, const Arguments&) {
  constexpr std::string_view kNone = "00000000-0000-0000-0000-000000000000";
  const std::string& given = context.machine.config().uuid;
  return Value::Record{{"UUID", given.empty() ? std::string(kNone) : given}};
}

// The threads that disks have for themselves are nobody's to name.
Value iothreads(CommandContext& context, const Arguments&) {
  Value::List list;
  for (const auto& backend : context.machine.find(Backends::kPath)->children())
    if (const auto* const thread = dynamic_cast<const IoThread*>(backend.get()))
      list.push_back(Value::Record{{"id", thread->id()},
                                   {"thread-id", static_cast<i64>(thread->thread_id())}});
  return list;
}

Value cpus(CommandContext& context, const Arguments&) {
  Value::List list;
  for (const Cpu* const cpu : context.machine.cpus())
    list.push_back(Value::Record{{"cpu-index", cpu->index()},
                                 {"qom-path", cpu->path()},
                                 {"thread-id", cpu->host_thread()},
                                 {"target", "x86_64"}});
  return list;
}

// Where a CPU is among the others, whose numbers count threads first.
Value place_of(unsigned index, const CpuTopology& topology) {
  const auto take = [&index](unsigned count) {
    const unsigned at = index % count;
    index /= count;
    return at;
  };
  const unsigned thread = take(topology.threads), core = take(topology.cores),
                 die = take(topology.dies);
  return Value::Record{
      {"socket-id", index}, {"die-id", die}, {"core-id", core}, {"thread-id", thread}};
}

Value placed_cpus(CommandContext& context, const Arguments&) {
  Value::List list;
  for (const Cpu* const cpu : context.machine.cpus())
    list.push_back(
        Value::Record{{"type", cpu->type_name()},
                      {"vcpus-count", 1},
                      {"props", place_of(cpu->index(), context.machine.config().topology)},
                      {"qom-path", cpu->path()}});
  return list;
}

Value memory_size(CommandContext& context, const Arguments&) {
  const u64 given = context.machine.config().ram_size;
  return Value::Record{
      {"base-memory", given != 0 ? given : context.machine.machine_class().default_ram_size}};
}

Value memory_tree(CommandContext& context, const Arguments&) {
  return Value::List{context.machine.memory().describe(), context.machine.io().describe()};
}

Value devices(CommandContext& context, const Arguments&) { return device_tree(context.machine); }

Value state(CommandContext& context, const Arguments&) {
  return describe_machine_state(context.machine);
}

constexpr ValueType kRunState = one_of(kRunStates);
constexpr TypeMember kStatusMembers[] = {{"status", &kRunState}, {"running", &kBoolean}};
constexpr ValueType kStatus = record_of(kStatusMembers);
constexpr TypeMember kNameMembers[] = {{"name", &kText, true}};
constexpr ValueType kName = record_of(kNameMembers);
constexpr TypeMember kUuidMembers[] = {{"UUID", &kText}};
constexpr ValueType kUuid = record_of(kUuidMembers);
constexpr TypeMember kIothreadMembers[] = {{"id", &kText}, {"thread-id", &kInteger}};
constexpr ValueType kIothread = record_of(kIothreadMembers);
constexpr ValueType kIothreads = list_of(kIothread);
constexpr TypeMember kCpuMembers[] = {
    {"cpu-index", &kInteger}, {"qom-path", &kText}, {"thread-id", &kInteger}, {"target", &kText}};
constexpr ValueType kCpu = record_of(kCpuMembers);
constexpr ValueType kCpus = list_of(kCpu);
constexpr TypeMember kPlaceMembers[] = {{"socket-id", &kInteger},
                                        {"die-id", &kInteger},
                                        {"core-id", &kInteger},
                                        {"thread-id", &kInteger}};
constexpr ValueType kPlace = record_of(kPlaceMembers);
constexpr TypeMember kPlacedCpuMembers[] = {
    {"type", &kText}, {"vcpus-count", &kInteger}, {"props", &kPlace}, {"qom-path", &kText}};
constexpr ValueType kPlacedCpu = record_of(kPlacedCpuMembers);
constexpr ValueType kPlacedCpus = list_of(kPlacedCpu);
// Trees, whose nodes are of one type with what they have below them.
constexpr ValueType kNodes = list_of(kAnything);
constexpr TypeMember kRangeMembers[] = {{"name", &kText},
                                        {"kind", &kText},
                                        {"start", &kInteger},
                                        {"end", &kInteger},
                                        {"offset", &kInteger}};
constexpr ValueType kRange = record_of(kRangeMembers);
constexpr ValueType kRanges = list_of(kRange);
constexpr TypeMember kSpaceMembers[] = {{"name", &kText}, {"regions", &kNodes}, {"view", &kRanges}};
constexpr ValueType kSpace = record_of(kSpaceMembers);
constexpr ValueType kSpaces = list_of(kSpace);
constexpr TypeMember kDeviceMembers[] = {{"type", &kText},
                                         {"id", &kText},
                                         {"description", &kText, true},
                                         {"properties", &kAnything},
                                         {"buses", &kNodes, true}};
constexpr ValueType kDevice = record_of(kDeviceMembers);
constexpr ValueType kDevices = list_of(kDevice);
constexpr TypeMember kStateMembers[] = {
    {"path", &kText}, {"type", &kText}, {"sections", &kAnything}};
constexpr ValueType kState = record_of(kStateMembers);
constexpr ValueType kStates = list_of(kState);
constexpr TypeMember kMemoryMembers[] = {{"base-memory", &kBytes}};
constexpr ValueType kMemory = record_of(kMemoryMembers);

constexpr Command kCommands[] = {
    {.name = "query-status",
     .help = "whether the guest runs, and what it waits for if not",
     .returns = &kStatus,
     .run = status,
     .print = print_status,
     .out_of_band = true},
    {.name = "query-name",
     .help = "the guest's name",
     .returns = &kName,
     .run = name,
     .print = print_name,
     .out_of_band = true},
    {.name = "query-uuid",
     .help = "the guest's number",
     .returns = &kUuid,
     .run = uuid,
     .out_of_band = true},
    {.name = "query-iothreads",
     .help = "threads that devices were given by name",
     .returns = &kIothreads,
     .run = iothreads},
    {.name = "query-cpus-fast",
     .help = "the CPUs and their threads",
     .returns = &kCpus,
     .run = cpus,
     .out_of_band = true},
    {.name = "query-hotpluggable-cpus",
     .help = "the CPUs by their places; they stay while the machine runs",
     .returns = &kPlacedCpus,
     .run = placed_cpus},
    {.name = "query-memory-size-summary",
     .help = "how much RAM there is",
     .returns = &kMemory,
     .run = memory_size,
     .out_of_band = true},
    {.name = "query-mtree",
     .help = "what answers where in memory and port space",
     .returns = &kSpaces,
     .run = memory_tree,
     .print = print_memory_trees},
    {.name = "query-qtree",
     .help = "devices and buses",
     .returns = &kDevices,
     .run = devices,
     .print = print_device_tree},
    {.name = "query-state",
     .help = "what savestate would save of devices and CPUs",
     .returns = &kStates,
     .run = state,
     .print = print_machine_state},
};

}  // namespace

std::span<const Command> machine_commands() { return kCommands; }

}  // namespace backplane::host
