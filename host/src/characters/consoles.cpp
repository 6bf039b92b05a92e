// SPDX-License-Identifier: MIT
#include "characters/consoles.h"

#include "backplane/chardev.h"
#include "characters/console_plan.h"
#include "devices/objects.h"
#include "report.h"

namespace backplane::host {

namespace {

// With one in front of it that lets several use it.
void add_shared(Backends& backends, const std::string& id, const std::string& name,
                const Properties& properties) {
  constexpr std::string_view kLink = "chardev.";
  Properties of_mux{{std::string(kLink) + "driver", name}};
  // Ctrl-C is the guest's where the terminal is shared: there is Ctrl-A x to quit.
  if (name == "stdio") of_mux.emplace_back(std::string(kLink) + "signal", "off");
  for (const auto& [key, value] : properties) of_mux.emplace_back(std::string(kLink) + key, value);
  backends.add(kChardevKind, "mux", id, of_mux);
}

void open_chardev(Backends& backends, KeyValueList values) {
  const std::string name = values.take("backend").value_or("");
  if (name.empty()) throw Error("the kind is missing: -chardev help lists those there are");
  const auto id = values.take("id");
  if (!id) throw Error("id is missing: expects a name to refer to the device by");
  if (values.take_as<bool>("mux").value_or(false))
    add_shared(backends, *id, name, values.pairs());
  else
    backends.add(kChardevKind, name, *id, values.pairs());
}

// The id, if it is that of a character device.
std::string named_chardev(Backends& backends, const std::string& id) {
  if (dynamic_cast<Chardev*>(backends.find(id)) == nullptr)
    throw Error::of("no -chardev has id={}", id);
  return id;
}

// The id of what a console leads to.
std::string open_console(Backends& backends, const std::string& text, const std::string& id) {
  constexpr std::string_view kNamed = "chardev:", kWithMonitor = "mon:";
  if (text.starts_with(kNamed)) return named_chardev(backends, text.substr(kNamed.size()));
  const bool shared = text.starts_with(kWithMonitor);
  const ChardevParts parts =
      parse_chardev_short_form(shared ? text.substr(kWithMonitor.size()) : text);
  if (shared)
    add_shared(backends, id, parts.name, parts.properties);
  else
    backends.add(kChardevKind, parts.name, id, parts.properties);
  return id;
}

// -mon chardev=ID,mode=readline|control
void add_monitor(Backends& backends, KeyValueList values, const std::string& given,
                 Consoles& consoles) {
  const auto chardev = values.take("chardev");
  if (!chardev) throw Error("chardev is missing: expects the id of a -chardev");
  const std::string mode = values.take("mode").value_or("readline");
  const std::string name = values.take("id").value_or("");
  values.expect_empty("chardev, id, mode");
  if (mode != "readline" && mode != "control")
    throw Error::of("mode='{}': expects readline or control", mode);
  if (!name.empty()) check_id(name);
  (mode == "control" ? consoles.controls : consoles.monitors)
      .push_back({given, named_chardev(backends, *chardev), name});
}

// -qtest DEVICE, -qtest-log FILE: who drives the devices instead of a guest.
void add_qtest(Backends& backends, const Configuration& asked) {
  const GivenOption* const log = asked.qtest_log;
  const GivenOption* const option = asked.qtest;
  if (option == nullptr) {
    if (log != nullptr) throw log->error("goes with -qtest");
    return;
  }
  with_option(option->text, [&] {
    const std::string chardev = open_console(backends, option->value, "qtest-chardev");
    backends.add(kObjectKind, "qtest", "qtest",
                 {{"chardev", chardev}, {"log", log == nullptr ? "none" : log->value}});
  });
}

}  // namespace

Consoles open_consoles(Backends& backends, const Machine& machine, const Configuration& asked) {
  const ConsolePlan plan = plan_consoles(asked, machine.machine_class().default_serial);
  for (const GivenOption* option : asked.consoles.chardevs)
    with_values(*option, [&](KeyValueList values) { open_chardev(backends, std::move(values)); });
  add_qtest(backends, asked);

  Consoles consoles;
  const std::string& port = machine.machine_class().default_serial;
  for (std::size_t index = 0; index < plan.serials.size(); ++index) {
    const Console& console = plan.serials[index];
    if (console.text == "none") continue;
    with_option(console.given, [&] {
      const std::string chardev =
          open_console(backends, console.text, fmt::format("serial{}", index));
      if (console.brings_monitor()) consoles.monitors.push_back({console.given, chardev, {}});
      consoles.serials.push_back(
          {console.given, port, {{"index", std::to_string(index)}, {"chardev", chardev}}});
    });
  }
  for (const Console& console : plan.monitors) {
    if (console.text == "none") continue;
    with_option(console.given, [&] {
      const std::string id = fmt::format("monitor{}", consoles.monitors.size());
      consoles.monitors.push_back({console.given, open_console(backends, console.text, id), {}});
    });
  }
  for (const Console& console : plan.controls) {
    if (console.text == "none") continue;
    with_option(console.given, [&] {
      const std::string id = fmt::format("qmp{}", consoles.controls.size());
      consoles.controls.push_back({console.given, open_console(backends, console.text, id), {}});
    });
  }
  for (const GivenOption* option : asked.monitors)
    with_values(*option, [&](KeyValueList values) {
      add_monitor(backends, std::move(values), option->text, consoles);
    });
  if (!port.empty()) return consoles;
  for (const ImpliedDevice& serial : consoles.serials)
    if (!serial.given.empty())
      throw Error::of("{}: machine {} has no serial ports", serial.given, machine.type_name());
  consoles.serials.clear();
  return consoles;
}

}  // namespace backplane::host
