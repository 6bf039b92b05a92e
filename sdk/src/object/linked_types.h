// SPDX-License-Identifier: MIT
// The lists of types that constructors linked in each loaded file (module_anchor).
#pragma once

#include <vector>

#include "backplane/object.h"

namespace backplane::detail {

// Empties the list of the shared object behind `handle` (of the system's loader) and returns its
// records in the order in which they were linked. Empty if the file carries none.
std::vector<TypeInfo*> take_types_of(void* handle);

// The same for every shared object of the process, and the program.
std::vector<TypeInfo*> take_types_of_all_files();

// Adds the records; one whose name is taken is reported and left out. Returns how many were added.
unsigned register_types(const std::vector<TypeInfo*>& types);

}  // namespace backplane::detail
