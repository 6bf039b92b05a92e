// SPDX-License-Identifier: MIT
// query-rx-filter: which frames the drivers of network cards want.
#include "backplane/machine.h"
#include "virtio/net_device.h"

namespace backplane {

namespace {

constexpr std::string_view kStates[] = {"normal", "none", "all"};
constexpr ValueType kState = one_of(kStates);
constexpr ValueType kTexts = list_of(kText);
constexpr ValueType kNumbers = list_of(kInteger);
constexpr TypeMember kMembers[] = {{"name", &kText},
                                   {"promiscuous", &kBoolean},
                                   {"multicast", &kState},
                                   {"unicast", &kState},
                                   {"vlan", &kState},
                                   {"broadcast-allowed", &kBoolean},
                                   {"multicast-overflow", &kBoolean},
                                   {"unicast-overflow", &kBoolean},
                                   {"main-mac", &kText},
                                   {"vlan-table", &kNumbers},
                                   {"unicast-table", &kTexts},
                                   {"multicast-table", &kTexts}};
constexpr ValueType kFilter = record_of(kMembers);
constexpr ValueType kFilters = list_of(kFilter);
constexpr CommandArgument kName[] = {
    {.name = "name", .type = &kText, .optional = true, .help = "of that card alone"}};

}  // namespace

// The device that a user adds has this one inside.
std::string VirtioNet::card_id() const {
  const auto* const card = dynamic_cast<const Device*>(parent());
  return card != nullptr && !card->id().empty() ? card->id() : path();
}

Value VirtioNet::describe_filters(CommandContext& context, const Arguments& arguments) {
  Value::List filters;
  for (const VirtioNet* const device : objects_offering<VirtioNet>(context.machine)) {
    const std::string name = device->card_id();
    if (arguments.has("name") && arguments.text("name") != name) continue;
    Value::Record record{{"name", name}};
    const QueueLock lock(*device);
    const Value filter = device->filter_.describe();
    for (const Value::Field& field : filter.as_record()) record.push_back(field);
    filters.push_back(std::move(record));
  }
  if (filters.empty() && arguments.has("name"))
    throw Error::of("invalid net client name: {}", arguments.text("name"));
  return filters;
}

// The first card answers for all.
std::span<const Command> VirtioNet::commands() const {
  static constexpr Command kCommands[] = {{.name = "query-rx-filter",
                                           .help = "which frames network cards let through",
                                           .arguments = kName,
                                           .returns = &kFilters,
                                           .run = describe_filters,
                                           .for_programs = true}};
  return kCommands;
}

}  // namespace backplane
