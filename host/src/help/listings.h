// SPDX-License-Identifier: MIT
// What is installed, as values: `help` of the options prints them, `help,format=json` and QMP write
// them as they are. Any thread; the machine lock where modules are loaded to know.
#pragma once

#include "backplane/kind.h"
#include "backplane/value.h"

namespace backplane::host {

// {"accelerators": [{"name", "module", "file", "usable", "reason", "remark"}], "digest"}: all
// that are installed, usable here or not, those too damaged to say what they have included. Each is
// loaded and asked. `reason` is there for those that are not usable.
Value list_accelerators();
extern const ValueType kAcceleratorListing;

// {"modules": [{"name", "version", "state", "file", "package", "types", "reason"}], "searched",
// "digest"}. Nothing is loaded.
Value list_modules();
extern const ValueType kModuleListing;

// [{"name", "description", "module", "usable", "reason"}]: what is installed of a kind. Nothing is
// loaded.
Value list_kind(const Kind& kind);
extern const ValueType kKindListing;

}  // namespace backplane::host
