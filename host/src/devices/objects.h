// SPDX-License-Identifier: MIT
// -object: backends of any kind, by the full names of their types.
#pragma once

#include "backplane/backend.h"
#include "options/configuration.h"

namespace backplane::host {

inline constexpr Kind kObjectKind{
    .base = "backend", .prefix = "", .suffix = "", .noun = "backend", .option = "-object"};

// Those that name a network come after the networks.
enum class ObjectsOf { Networks, OtherThings };
// Makes the backends of -object. Throws Error. Machine lock.
void create_objects(Backends& backends, const Configuration& asked, ObjectsOf which);

}  // namespace backplane::host
