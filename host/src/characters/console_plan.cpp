// SPDX-License-Identifier: MIT
#include "characters/console_plan.h"

#include <algorithm>

#include "options/configuration.h"

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

// Whether one of them asks for that type.
bool asks_for(const Configuration::Options& options, std::string_view type) {
  return std::any_of(options.begin(), options.end(), [&](const GivenOption* option) {
    return option->list().get(option->spec->implied_key) == type;
  });
}

}  // namespace

ConsolePlan plan_consoles(const Configuration& asked, std::string_view serial_device) {
  const ConsoleOptions& options = asked.consoles;
  ConsolePlan plan{options.serials, options.monitors, options.controls};
  const bool wants_terminal = (!options.no_display && asked.displays.empty()) || options.no_graphic;
  const bool has_terminal = wants_terminal && !asks_for(options.chardevs, "stdio");
  const bool defaults = !options.no_defaults;
  const bool wants_serial =
      defaults && plan.serials.empty() && !asks_for(asked.devices, serial_device);
  const bool wants_monitor = defaults && plan.monitors.empty() && plan.controls.empty() &&
                             asked.monitors.empty() && !any_of(plan.serials, brings_monitor);
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
