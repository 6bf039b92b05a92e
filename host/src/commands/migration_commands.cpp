// SPDX-License-Identifier: MIT
// What is chosen for migrations, and receiving one.
#include <algorithm>

#include "backplane/machine.h"
#include "backplane/migration.h"
#include "commands/commands.h"
#include "launch/saved_state.h"

namespace backplane::host {

namespace {

// --- capabilities -------------------------------------------------------------------------------

// What every migration here has, and so is always on: MIGRATION is sent, and the other program
// answers.
constexpr std::string_view kCapabilityNames[] = {"events", "return-path"};

Value capabilities(CommandContext&, const Arguments&) {
  Value::List list;
  for (const std::string_view name : kCapabilityNames)
    list.push_back(Value::Record{{"capability", name}, {"state", true}});
  return list;
}

// To be told to do without is no mistake: managers set back what they have set.
Value set_capabilities(CommandContext&, const Arguments& arguments) {
  for (const Value& choice : arguments.at("capabilities").as_list()) {
    const std::string& name = choice.find("capability")->as_string();
    if (std::find(std::begin(kCapabilityNames), std::end(kCapabilityNames), name) ==
        std::end(kCapabilityNames))
      throw Error::of("Parameter 'capability' does not accept value '{}'", name);
  }
  return {};
}

// --- parameters ---------------------------------------------------------------------------------

// QEMU's number for no limit.
constexpr u64 kUnlimited = 0x7fff'ffff'ffff'ffff;
constexpr u64 kMostDowntimeMs = 2'000'000;

Value parameters(CommandContext& context, const Arguments&) {
  const MigrationParameters& chosen = context.migration.parameters();
  const u64 bandwidth = chosen.max_bandwidth != 0 ? chosen.max_bandwidth : kUnlimited;
  return Value::Record{{"max-bandwidth", bandwidth}, {"downtime-limit", chosen.downtime_limit_ms}};
}

Value set_parameters(CommandContext& context, const Arguments& arguments) {
  MigrationParameters chosen = context.migration.parameters();
  if (arguments.has("max-bandwidth")) {
    chosen.max_bandwidth = arguments.number("max-bandwidth");
    // More than any connection takes is no limit either.
    if (chosen.max_bandwidth >= kUnlimited / 2) chosen.max_bandwidth = 0;
  }
  if (arguments.has("downtime-limit")) {
    chosen.downtime_limit_ms = arguments.number("downtime-limit");
    if (chosen.downtime_limit_ms > kMostDowntimeMs)
      throw Error::of("Parameter 'downtime-limit' expects an integer in the range of 0 to {} ms",
                      kMostDowntimeMs);
  }
  context.migration.set_parameters(chosen);
  return {};
}

// --- receiving ----------------------------------------------------------------------------------

Value receive(CommandContext& context, const Arguments& arguments) {
  const StatePlace place = state_place(arguments.text("uri"));
  if (place.socket.empty())
    throw Error::of("'{}': expects unix:PATH, tcp:HOST:PORT or fd:NAME", arguments.text("uri"));
  context.migration.receive(place.socket, end_if_failed(context.machine, "-incoming defer"));
  return {};
}

constexpr ValueType kCapabilityName = one_of(kCapabilityNames);
constexpr TypeMember kCapabilityMembers[] = {{"capability", &kCapabilityName},
                                             {"state", &kBoolean}};
constexpr ValueType kCapability = record_of(kCapabilityMembers);
constexpr ValueType kCapabilities = list_of(kCapability);
constexpr TypeMember kChoiceMembers[] = {{"capability", &kText}, {"state", &kBoolean}};
constexpr ValueType kChoice = record_of(kChoiceMembers);
constexpr ValueType kChoices = list_of(kChoice);
constexpr TypeMember kParameterMembers[] = {{"max-bandwidth", &kBytes},
                                            {"downtime-limit", &kInteger}};
constexpr ValueType kParameters = record_of(kParameterMembers);

constexpr CommandArgument kSetCapabilities[] = {{.name = "capabilities", .type = &kChoices}};
constexpr CommandArgument kSetParameters[] = {
    {.name = "max-bandwidth",
     .type = &kBytes,
     .optional = true,
     .letter = 'b',
     .unit = 1_MiB,
     .help = "bytes a second, at most; 0: as much as the connection takes"},
    {.name = "downtime-limit",
     .type = &kInteger,
     .optional = true,
     .letter = 'd',
     .help = "ms that the guest may stand still at the end"}};
constexpr CommandArgument kReceive[] = {
    {.name = "uri", .type = &kText, .help = "unix:PATH, tcp:HOST:PORT or fd:NAME"}};

constexpr Command kCommands[] = {
    {.name = "query-migrate-capabilities",
     .help = "what migrations can do",
     .returns = &kCapabilities,
     .run = capabilities},
    {.name = "migrate-set-capabilities",
     .help = "choose of that; all of it is always so",
     .arguments = kSetCapabilities,
     .run = set_capabilities,
     .for_programs = true},
    {.name = "query-migrate-parameters",
     .help = "what migrations keep to",
     .returns = &kParameters,
     .run = parameters},
    {.name = "migrate-set-parameters",
     .help = "choose what they keep to, the one under way too",
     .arguments = kSetParameters,
     .run = set_parameters},
    {.name = "migrate-incoming",
     .help = "wait there for the machine, after -incoming defer",
     .arguments = kReceive,
     .run = receive},
};

}  // namespace

std::span<const Command> migration_commands() { return kCommands; }

}  // namespace backplane::host
