// SPDX-License-Identifier: MIT
#include "devices/devices.h"

#include <algorithm>

#include "backplane/catalogue.h"
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/module.h"
#include "devices/disc_drives.h"
#include "report.h"

namespace backplane::host {

namespace {

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

// Throws Error unless a device of that type can be the drive of that name, which has no disc.
void expect_empty_drive(Machine& machine, const std::string& driver, const std::string& name) {
  const auto& k = class_of_kind<DeviceClass>(kDeviceKind, driver);
  if (k.find_property("medium-name") == nullptr)
    throw Error::of("drive={}: is empty, which a {} cannot be", name, k.name)
        .with_hint("give that -drive a file=");
  for (const Device* const other : disc_drives(machine))
    if (other->get_property("medium-name") == name)
      throw Error::of("drive={}: is in use by {} ({})", name, other->type_name(), other->path());
}

}  // namespace

void add_device(Machine& machine, KeyValueList values,
                const std::map<std::string, DriveUse>& of_drives) {
  const std::string driver = values.take("driver").value_or("");
  if (driver.empty())
    throw Error("the type of the device is missing: -device help lists those there are");
  const std::string id = values.take("id").value_or("");
  const std::string bus = values.take("bus").value_or("");
  Properties properties = values.pairs();
  if (const auto drive = of_drives.find(values.get("drive")); drive != of_drives.end()) {
    for (const auto& [key, value] : drive->second.properties)
      if (values.get(key, "auto") == "auto") properties.emplace_back(key, value);
    if (drive->second.is_empty) {
      expect_empty_drive(machine, driver, drive->first);
      std::erase_if(properties, [](const auto& property) { return property.first == "drive"; });
      properties.emplace_back("medium-name", drive->first);
    }
  }
  machine.add_device(driver, id, bus, properties);
}

void add_device(Machine& machine, const ImpliedDevice& device) {
  with_option(device.given,
              [&] { machine.add_device(device.driver, "", device.bus, device.properties); });
}

CompatProperty parse_global(std::string_view text) {
  if (text.starts_with("driver=")) {
    KeyValueList values = KeyValueList::parse(text);
    const auto take = [&](std::string_view key) { return values.take(key).value_or(""); };
    CompatProperty global{take("driver"), take("property"), take("value")};
    values.expect_empty("driver, property, value");
    if (global.type.empty() || global.property.empty())
      throw Error("expects driver=TYPE,property=PROPERTY,value=VALUE");
    return global;
  }
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
