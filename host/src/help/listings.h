// SPDX-License-Identifier: MIT
// What is installed, as values: `help` of the options prints them, `help,format=json` and QMP write
// them as they are. Any thread; the machine lock where modules are loaded to know.
#pragma once

#include <span>

#include "backplane/kind.h"
#include "backplane/object.h"
#include "backplane/value.h"

namespace backplane::host {

// {"accelerators": [{"name", ORIGIN, "file", "usable", "reason", "remark"}]}: all that are
// installed, usable here or not, those too damaged to say what they have included. Each is loaded
// and asked. `reason` is there for those that are not usable. ORIGIN is of what module it is:
// "module", "version", "package" and "state", of which only the last is not empty for what is
// linked into the program.
Value list_accelerators();

// {"modules": [{"name", "version", "state", "file", "package", "types", "reason"}], "searched"}.
// Nothing is loaded.
Value list_modules();

// {"types": [{"name", "description", ORIGIN, "usable", "reason"}]}: what is installed of some
// kinds. Nothing is loaded.
Value list_kinds(std::span<const Kind> kinds);

// {"type", ORIGIN, "properties": [{"name", "type", "description", "read-only", "default"}]}.
Value list_properties(const ObjectClass& type);

// The same with "digest", that of the set of modules, for which all of their files are read.
Value with_digest(const Value& listing);
// Of lists of accelerators and modules, with their digest.
extern const ValueType kAcceleratorListing;
extern const ValueType kModuleListing;

}  // namespace backplane::host
