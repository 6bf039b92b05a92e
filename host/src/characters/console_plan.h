// SPDX-License-Identifier: MIT
// Where serial ports, monitors and QMP lead: -serial, -monitor, -qmp, -mon, -nographic, -display
// and -nodefaults taken together.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backplane/options.h"

namespace backplane::host {

struct Configuration;

// One character device to be made.
struct Console {
  std::string text;   // "stdio", "mon:stdio", "none", "file:PATH", "chardev:ID", ...
  std::string given;  // the option it comes from; empty: a default

  // A serial port that shares its terminal with a monitor.
  bool brings_monitor() const { return text.starts_with("mon:"); }
};

// What the options say of them.
struct ConsoleOptions {
  std::vector<Console> serials, monitors, controls;  // in the order given
  std::vector<const GivenOption*> chardevs;
  bool no_display = false;
  bool no_graphic = false;
  bool no_defaults = false;
};

struct ConsolePlan {
  std::vector<Console> serials;   // in the order of the ports
  std::vector<Console> monitors;  // beside those that "mon:" makes
  std::vector<Console> controls;  // QMP
};

// Without a display of its own (-vnc), and with neither -nographic nor -display none, the terminal
// is used as -nographic would: serial port and monitor share it. With a display, or -display none,
// the first serial port leads nowhere and there is no monitor. -nodefaults leaves only what was
// asked for. A default never competes with an option for the terminal, nor for the first serial
// port: `serial_device` is the type of device that the machine's ports are, which -device may ask
// for. Throws Error.
ConsolePlan plan_consoles(const Configuration& asked, std::string_view serial_device);

}  // namespace backplane::host
