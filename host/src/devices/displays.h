// SPDX-License-Identifier: MIT
// What shows the machine's screens: -display, -vnc, -k and -vga.
#pragma once

#include <optional>
#include <string>

#include "backplane/backend.h"
#include "options/configuration.h"

namespace backplane::host {

// The property of a board that -vga sets.
inline constexpr const char* kScreenProperty = "vga";
// The one that says whether somebody sees it, rather than the serial port.
inline constexpr const char* kGraphicsProperty = "graphics";

// -display. Throws Error.
void set_display(Configuration& configuration, const GivenOption& option);
// -vnc: none takes back those given before.
void set_vnc(Configuration& configuration, const GivenOption& option);
// -k. Throws Error: keys are those of one layout.
void set_keyboard_layout(Configuration& configuration, const GivenOption& option);
// What the board's screen has to be where -vga does not say it; nothing where it is the board's to
// decide.
std::optional<std::string> wanted_screen(const Configuration& asked);

// Whether the terminal is all that there is: -nographic, or nothing instead of it.
bool is_without_graphics(const Configuration& asked);

// Opens the displays asked for; the devices that they show are there. Throws Error.
void open_displays(Backends& backends, const Configuration& asked);

}  // namespace backplane::host
