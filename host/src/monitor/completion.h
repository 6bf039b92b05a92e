// SPDX-License-Identifier: MIT
// What a line of the monitor may go on with, from the rows of the commands and what is installed.
#pragma once

#include <string>

#include "monitor/line_editor.h"

namespace backplane {
class Machine;
}

namespace backplane::host {

// Never throws: where nothing is known, there are no words. Main loop's thread, machine lock. May
// load the module of a type whose properties are asked for.
LineEditor::Completions complete_monitor_line(Machine& machine, const std::string& text);

}  // namespace backplane::host
