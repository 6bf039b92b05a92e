// SPDX-License-Identifier: MIT
// A module's code that throws where nothing can be undone and nobody be told: in a handler of a
// region, a timer, a reset.
#pragma once

#include <string>
#include <typeinfo>

namespace backplane {

// For a catch (...): prints a line with the file that the address belongs to, what was done
// ("reset of /machine/x"), and what was thrown; ends the program as a failed assertion does.
[[noreturn]] void end_for_exception(const void* address, const std::string& doing);

// A type's name as in its source.
std::string demangled(const std::type_info& type);

}  // namespace backplane
