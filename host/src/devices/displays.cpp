// SPDX-License-Identifier: MIT
#include "devices/displays.h"

#include <algorithm>

#include "backplane/display.h"
#include "report.h"

namespace backplane::host {

namespace {

constexpr std::string_view kVnc = "vnc", kAddress = "address", kNone = "none";
constexpr std::string_view kLayoutProperty = "layout";

// What a display is made of: -vnc has the address, -display the type in front.
struct Wanted {
  std::string type;
  KeyValueList properties;
};

Wanted wanted_of(const GivenOption& option, KeyValueList values) {
  if (option.name() == kVnc) return {std::string(kVnc), std::move(values)};
  if (const auto type = values.take("type")) return {*type, std::move(values)};
  const auto address = values.take(kVnc);
  if (!address) throw Error("the type is missing: expects none, or vnc=ADDRESS");
  auto properties = values.pairs();
  properties.emplace(properties.begin(), kAddress, *address);
  return {std::string(kVnc), KeyValueList::of(std::move(properties))};
}

bool is_display(const GivenOption& device) {
  constexpr std::string_view kTypes[] = {"VGA", "virtio-vga", "virtio-gpu-pci"};
  const std::string type = device.list().get(device.spec->implied_key);
  return std::find(std::begin(kTypes), std::end(kTypes), type) != std::end(kTypes);
}

}  // namespace

void set_display(Configuration& configuration, const GivenOption& option) {
  const KeyValueList values = option.list();
  const std::string type = values.get("type");
  if (type == kNone) {
    configuration.consoles.no_display = true;
    return;
  }
  for (const std::string_view window : {"gtk", "sdl", "cocoa", "curses", "spice-app", "dbus"})
    if (type == window)
      throw option.error("the program has no windows of its own: use -vnc :0 and a VNC viewer");
  configuration.displays.push_back(&option);
}

void set_vnc(Configuration& configuration, const GivenOption& option) {
  if (option.value != kNone) {
    configuration.displays.push_back(&option);
    return;
  }
  std::erase_if(configuration.displays,
                [](const GivenOption* given) { return given->name() == kVnc; });
  configuration.consoles.no_display = true;
}

void set_keyboard_layout(Configuration& configuration, const GivenOption& option) {
  configuration.keyboard_layout = &option;
}

std::optional<std::string> wanted_screen(const Configuration& asked) {
  if (asked.board.contains(kScreenProperty)) return std::nullopt;
  if (asked.consoles.no_defaults ||
      std::any_of(asked.devices.begin(), asked.devices.end(),
                  [](const GivenOption* device) { return is_display(*device); }))
    return "none";
  if (!asked.displays.empty()) return "std";
  return std::nullopt;
}

bool is_without_graphics(const Configuration& asked) {
  const ConsoleOptions& consoles = asked.consoles;
  return consoles.no_graphic || (!consoles.no_display && asked.displays.empty());
}

void open_displays(Backends& backends, const Configuration& asked) {
  unsigned number = 0;
  for (const GivenOption* const option : asked.displays)
    with_values(*option, [&](KeyValueList values) {
      Wanted wanted = wanted_of(*option, std::move(values));
      if (asked.keyboard_layout != nullptr && !wanted.properties.has(kLayoutProperty)) {
        auto properties = wanted.properties.pairs();
        properties.emplace_back(kLayoutProperty, asked.keyboard_layout->value);
        wanted.properties = KeyValueList::of(std::move(properties));
      }
      const std::string id =
          wanted.properties.take("id").value_or(fmt::format("{}{}", wanted.type, number++));
      backends.add(kDisplayKind, wanted.type, id, wanted.properties.pairs());
    });
}

}  // namespace backplane::host
