// SPDX-License-Identifier: MIT
#include "devices/devices.h"

#include <fmt/ranges.h>

#include <algorithm>

#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/module.h"
#include "report.h"

namespace backplane::host {

namespace {

Error unknown_device(std::string_view name) {
  if (const KnownModule* known = known_provider_of(name))
    return Error::of("{} is not installed: it is in module {}, package {}", name, known->module,
                     known->package);
  std::vector<std::string> names;
  for (const auto& listing : ModuleIndex::instance().list_types("device"))
    if (!listing.abstract) names.push_back(listing.name);
  const auto near = nearest_names(name, names);
  if (!near.empty())
    return Error::of("{}: no installed module has such a device; near to it: {}", name,
                     fmt::join(near, ", "));
  return Error::of("{}: no installed module has such a device; -device help lists those there are",
                   name);
}

std::string why_unused(const CompatProperty& global) {
  const auto devices = ModuleIndex::instance().list_types("device");
  if (std::none_of(devices.begin(), devices.end(),
                   [&](const auto& listing) { return listing.name == global.type; })) {
    const bool known = TypeRegistry::instance().has(global.type) ||
                       ModuleIndex::instance().provider_of(global.type) != nullptr;
    return known ? fmt::format("{} is not a device", global.type)
                 : fmt::format("no installed module has type {}", global.type);
  }
  if (TypeRegistry::instance().has(global.type))
    if (const ObjectClass* k = TypeRegistry::instance().class_of(global.type);
        k->find_property(global.property) == nullptr)
      return fmt::format("{} has no property {}, and this machine no such device", global.type,
                         global.property);
  return fmt::format("not used: this machine has no {}", global.type);
}

}  // namespace

const ObjectClass& find_device_class(std::string_view name) {
  const ObjectClass* found = class_by_name(name);
  if (found == nullptr) throw unknown_device(name);
  if (!found->is_a("device")) throw Error::of("{} is not a device", name);
  return *found;
}

void add_device(Machine& machine, KeyValueList values,
                const std::map<std::string, Properties>& of_drives) {
  const std::string driver = values.take("driver").value_or("");
  if (driver.empty())
    throw Error("the type of the device is missing: -device help lists those there are");
  find_device_class(driver);
  const std::string id = values.take("id").value_or("");
  const std::string bus = values.take("bus").value_or("");
  Properties properties = values.pairs();
  if (const auto drive = of_drives.find(values.get("drive")); drive != of_drives.end())
    for (const auto& [key, value] : drive->second)
      if (values.get(key, "auto") == "auto") properties.emplace_back(key, value);
  machine.add_device(driver, id, bus, properties);
}

void add_device(Machine& machine, const ImpliedDevice& device) {
  with_option(device.given, [&] {
    find_device_class(device.driver);
    machine.add_device(device.driver, "", "", device.properties);
  });
}

CompatProperty parse_global(std::string_view text) {
  const auto equals = text.find('=');
  const auto dot = text.substr(0, equals).rfind('.');
  if (equals == std::string_view::npos || dot == std::string_view::npos || dot == 0 ||
      dot + 1 == equals)
    throw Error("expects TYPE.PROPERTY=VALUE");
  return {std::string(text.substr(0, dot)), std::string(text.substr(dot + 1, equals - dot - 1)),
          std::string(text.substr(equals + 1))};
}

void add_global(Machine& machine, const GivenOption& option) {
  machine.add_global(with_option(option.text, [&] { return parse_global(option.value); }));
}

void warn_of_unused_globals(const Machine& machine) {
  for (const CompatProperty& global : machine.unused_globals())
    log::warn(fmt::format("-global {}.{}={}: {}", global.type, global.property, global.value,
                          why_unused(global)));
}

}  // namespace backplane::host
