// SPDX-License-Identifier: MIT
#include "options/machine_options.h"

#include "backplane/log.h"
#include "options/accepted_options.h"
#include "options/configuration.h"
#include "options/machine_size.h"
#include "report.h"

namespace backplane::host {

namespace {

bool is_number(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

// QEMU's machines come in versions, "pc-i440fx-8.2"; ours do not.
std::string without_version(const std::string& type, const std::string& given) {
  constexpr std::string_view kVersioned = "pc-i440fx-";
  constexpr const char* kOurs = "pc";
  if (!type.starts_with(kVersioned)) return type;
  const std::string_view version = std::string_view(type).substr(kVersioned.size());
  const std::size_t dot = version.find('.');
  if (dot == std::string_view::npos || !is_number(version.substr(0, dot)) ||
      !is_number(version.substr(dot + 1)))
    return type;
  log::warn(fmt::format("{}: machines have no versions; this one is {}", given, kOurs));
  return kOurs;
}

}  // namespace

void set_machine(Configuration& configuration, const GivenOption& option) {
  MachineOptions& machine = configuration.machine;
  for (const KeyValue& item : option.list()) {
    if (item.key == "type") {
      machine.type = without_version(item.value, option.text);
      machine.given = option.text;
    } else if (item.key == "accel") {
      machine.accelerators = {item.value, option.text};
    } else if (item.key == "dump-guest-core") {
      with_option(option.text,
                  [&] { machine.dump_guest_core = PropertyTraits<bool>::parse(item.value); });
    } else if (!is_so_of_machines(item.key, item.value)) {
      machine.properties.push_back({item.key, item.value, option.text});
    }
  }
}

void set_memory(Configuration& configuration, const GivenOption& option) {
  configuration.ram_size =
      with_values(option, [](KeyValueList values) { return parse_memory(std::move(values)); });
}

void set_on_board(Configuration& configuration, const GivenOption& option,
                  std::string_view property) {
  configuration.board[std::string(property)] = {option.value, &option};
}

void set_boot(Configuration& configuration, const GivenOption& option) {
  struct Key {
    std::string_view key, property;
  };
  static constexpr Key kKeys[] = {
      {"order", "boot-order"},           {"once", "boot-once"},
      {"strict", "boot-strict"},         {"menu", "boot-menu"},
      {"splash-time", "boot-menu-wait"}, {"reboot-timeout", "boot-fail-wait"}};
  with_values(option, [&](KeyValueList values) {
    for (const Key& key : kKeys)
      if (const auto value = values.take(key.key))
        configuration.board[std::string(key.property)] = {*value, &option};
    values.expect_empty("menu, once, order, reboot-timeout, splash-time, strict");
  });
}

}  // namespace backplane::host
