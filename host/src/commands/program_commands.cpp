// SPDX-License-Identifier: MIT
// What can be asked about the program: its version, what is installed, what runs the guest.
#include <map>

#include "backplane/accelerator.h"
#include "backplane/machine.h"
#include "commands/commands.h"
#include "help/listings.h"
#include "help/module_help.h"
#include "help/type_help.h"
#include "launch/cpu_model.h"
#include "options/option_table.h"
#include "version.h"

namespace backplane::host {

namespace {

// The version of QEMU's QMP whose commands those here are like; managers look at it.
constexpr unsigned kLikeMajor = 8, kLikeMinor = 2, kLikeMicro = 0;

Value version(CommandContext&, const Arguments&) {
  return Value::Record{
      {"qemu", Value::Record{{"micro", kLikeMicro}, {"minor", kLikeMinor}, {"major", kLikeMajor}}},
      {"package", fmt::format("Backplane {}", kVersion)}};
}

std::string print_version(const Value&) { return fmt::format("{}\n", kVersion); }

Value target(CommandContext&, const Arguments&) { return Value::Record{{"arch", "x86_64"}}; }

Value kvm(CommandContext& context, const Arguments&) {
  const Value listing = list_accelerators();
  bool present = false;
  for (const Value& accelerator : listing.find("accelerators")->as_list())
    if (accelerator.find("name")->as_string() == "kvm")
      present = accelerator.find("usable")->as_bool();
  return Value::Record{{"enabled", context.machine.accelerator().name() == "kvm"},
                       {"present", present}};
}

Value accelerators(CommandContext&, const Arguments&) { return with_digest(list_accelerators()); }
Value modules(CommandContext&, const Arguments&) { return with_digest(list_modules()); }

Value machines(CommandContext&, const Arguments&) {
  Value::List list;
  for (const CatalogueEntry& entry : catalogue(kMachineKind)) {
    if (!entry.type.unavailable.empty()) continue;
    const auto& type = class_of_kind<MachineClass>(kMachineKind, entry.name);
    list.push_back(Value::Record{{"name", entry.name},
                                 {"cpu-max", type.max_cpus},
                                 {"hotpluggable-cpus", false},
                                 {"numa-mem-supported", false},
                                 {"deprecated", false}});
  }
  return list;
}

Value cpu_definitions(CommandContext&, const Arguments&) {
  Value::List list;
  for (const CpuModels& models : cpu_models())
    for (const CatalogueEntry& entry : catalogue(models.kind()))
      list.push_back(Value::Record{{"name", entry.name},
                                   {"typename", entry.type.name},
                                   {"static", false},
                                   {"migration-safe", entry.name != "host"},
                                   {"deprecated", false}});
  return list;
}

// What the boards that are installed can be given with -machine.
Value::List machine_parameters() {
  std::map<std::string, const ValueType*> types;
  for (const CatalogueEntry& entry : catalogue(kMachineKind))
    if (entry.type.unavailable.empty())
      for (const Property& property : class_of_kind(kMachineKind, entry.name).properties)
        types.emplace(property.name, property.shape);
  Value::List list;
  for (const auto& [name, type] : types)
    list.push_back(Value::Record{
        {"name", name}, {"type", type->kind == ValueType::Kind::Boolean ? "boolean" : "string"}});
  return list;
}

// Which options there are; what the others take is said by -help.
Value options(CommandContext&, const Arguments& arguments) {
  Value::List list;
  for (const OptionSpec& row : option_table().rows())
    if (!arguments.has("option") || arguments.text("option") == row.name)
      list.push_back(Value::Record{
          {"option", row.name},
          {"parameters", row.name == "machine" ? machine_parameters() : Value::List{}}});
  if (list.empty()) throw Error::of("there is no option -{}", arguments.text("option"));
  return list;
}

Value accelerator(CommandContext& context, const Arguments&) {
  const Accelerator& accelerator = context.machine.accelerator();
  Value::Record record{{"accelerator", accelerator.name()},
                       {"description", accelerator.object_class().description}};
  const Value own = accelerator.describe();
  for (const Value::Field& field : own.as_record()) record.push_back(field);
  Value::Record properties;
  for (const Property& property : accelerator.object_class().properties)
    if (property.get != nullptr)
      properties.push_back({property.name, property.get(accelerator, property)});
  record.push_back({"properties", std::move(properties)});
  return record;
}

Value jit(CommandContext& context, const Arguments&) {
  const Value made = context.machine.accelerator().describe_jit();
  Value::Record record{{"translates", !made.is_null()}};
  if (!made.is_null())
    for (const Value::Field& field : made.as_record()) record.push_back(field);
  return record;
}

constexpr TypeMember kAcceleratorMembers[] = {
    {"accelerator", &kText}, {"description", &kText}, {"properties", &kAnything}};
constexpr ValueType kAccelerator = open_record_of(kAcceleratorMembers);
constexpr TypeMember kCodeMembers[] = {{"translates", &kBoolean}};
constexpr ValueType kCodeMade = open_record_of(kCodeMembers);
constexpr TypeMember kLikeMembers[] = {
    {"micro", &kInteger}, {"minor", &kInteger}, {"major", &kInteger}};
constexpr ValueType kLike = record_of(kLikeMembers);
constexpr TypeMember kVersionMembers[] = {{"qemu", &kLike}, {"package", &kText}};
constexpr ValueType kVersionType = record_of(kVersionMembers);
constexpr TypeMember kTargetMembers[] = {{"arch", &kText}};
constexpr ValueType kTarget = record_of(kTargetMembers);
constexpr TypeMember kKvmMembers[] = {{"enabled", &kBoolean}, {"present", &kBoolean}};
constexpr ValueType kKvm = record_of(kKvmMembers);
constexpr TypeMember kMachineMembers[] = {{"name", &kText},
                                          {"cpu-max", &kInteger},
                                          {"hotpluggable-cpus", &kBoolean},
                                          {"numa-mem-supported", &kBoolean},
                                          {"deprecated", &kBoolean}};
constexpr ValueType kMachine = record_of(kMachineMembers);
constexpr ValueType kMachines = list_of(kMachine);
constexpr TypeMember kCpuMembers[] = {{"name", &kText},
                                      {"typename", &kText},
                                      {"static", &kBoolean},
                                      {"migration-safe", &kBoolean},
                                      {"deprecated", &kBoolean}};
constexpr ValueType kCpu = record_of(kCpuMembers);
constexpr ValueType kCpus = list_of(kCpu);

constexpr TypeMember kParameterMembers[] = {{"name", &kText}, {"type", &kText}};
constexpr ValueType kParameter = record_of(kParameterMembers);
constexpr ValueType kParameters = list_of(kParameter);
constexpr TypeMember kOptionMembers[] = {{"option", &kText}, {"parameters", &kParameters}};
constexpr ValueType kOption = record_of(kOptionMembers);
constexpr ValueType kOptions = list_of(kOption);
constexpr CommandArgument kOptionName[] = {
    {.name = "option", .type = &kText, .optional = true, .help = "that one alone"}};

constexpr Command kCommands[] = {
    {.name = "query-version",
     .help = "the program's version",
     .returns = &kVersionType,
     .run = version,
     .print = print_version,
     .out_of_band = true},
    {.name = "query-target",
     .help = "what it emulates",
     .returns = &kTarget,
     .run = target,
     .out_of_band = true},
    {.name = "query-kvm", .help = "whether KVM runs the guest", .returns = &kKvm, .run = kvm},
    {.name = "query-accelerators",
     .help = "the accelerators installed, and whether they can be used here",
     .returns = &kAcceleratorListing,
     .run = accelerators,
     .print = accelerator_help},
    {.name = "query-modules",
     .help = "every module seen, and its state",
     .returns = &kModuleListing,
     .run = modules,
     .print = module_help},
    {.name = "query-machines",
     .help = "the machines installed",
     .returns = &kMachines,
     .run = machines},
    {.name = "query-cpu-definitions",
     .help = "the models of CPUs installed",
     .returns = &kCpus,
     .run = cpu_definitions},
    {.name = "query-command-line-options",
     .help = "the options of the program",
     .arguments = kOptionName,
     .returns = &kOptions,
     .run = options,
     .for_programs = true},
    {.name = "query-accel",
     .help = "what runs the guest's code, and its settings",
     .returns = &kAccelerator,
     .run = accelerator},
    {.name = "query-jit", .help = "the translator's counters", .returns = &kCodeMade, .run = jit},
};

}  // namespace

std::span<const Command> program_commands() { return kCommands; }

}  // namespace backplane::host
