// SPDX-License-Identifier: MIT
#include "characters/console_plan.h"

#include <algorithm>

namespace backplane::host {

namespace {

bool any_of(const std::vector<Console>& consoles, bool (*matches)(const Console&)) {
  return std::any_of(consoles.begin(), consoles.end(), matches);
}

bool brings_monitor(const Console& console) { return console.brings_monitor(); }

bool uses_terminal(const Console& console) {
  std::string_view device = console.text;
  if (console.brings_monitor()) device.remove_prefix(4);
  return device.substr(0, device.find(',')) == "stdio";
}

std::vector<Console> consoles_of(const CommandLine& line, std::string_view name) {
  std::vector<Console> consoles;
  for (const GivenOption* option : line.group(name))
    consoles.push_back({option->value, option->text});
  return consoles;
}

// Whether one of the options of that name asks for that type.
bool asks_for(const CommandLine& line, std::string_view name, std::string_view type) {
  const auto options = line.group(name);
  return std::any_of(options.begin(), options.end(), [&](const GivenOption* option) {
    return option->list().get(option->spec->implied_key) == type;
  });
}

bool display_is_none(const CommandLine& line) {
  const GivenOption* display = line.last("display");
  if (display != nullptr && display->value != "none")
    throw Error::of("{}: there are no graphics, so a display can only be none", display->text);
  return display != nullptr;
}

}  // namespace

ConsolePlan plan_consoles(const CommandLine& line, std::string_view serial_device) {
  ConsolePlan plan{consoles_of(line, "serial"), consoles_of(line, "monitor"),
                   consoles_of(line, "qmp")};
  const bool wants_terminal = !display_is_none(line) || line.has("nographic");
  const bool has_terminal = wants_terminal && !asks_for(line, "chardev", "stdio");
  const bool defaults = !line.has("nodefaults");
  const bool wants_serial =
      defaults && plan.serials.empty() && !asks_for(line, "device", serial_device);
  const bool wants_monitor = defaults && plan.monitors.empty() && plan.controls.empty() &&
                             !line.has("mon") && !any_of(plan.serials, brings_monitor);
  if (!has_terminal) {
    if (wants_serial) plan.serials.push_back({"null", {}});
    return plan;
  }
  if (wants_serial && wants_monitor)
    plan.serials.push_back({"mon:stdio", {}});
  else if (wants_serial)
    plan.serials.push_back(
        {any_of(plan.monitors, uses_terminal) || any_of(plan.controls, uses_terminal) ? "null"
                                                                                      : "stdio",
         {}});
  else if (wants_monitor && !any_of(plan.serials, uses_terminal))
    plan.monitors.push_back({"stdio", {}});
  return plan;
}

}  // namespace backplane::host
