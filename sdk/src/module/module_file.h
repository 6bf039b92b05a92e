// SPDX-License-Identifier: MIT
// From the bytes of a file to a module's record.
#pragma once

#include <vector>

#include "backplane/module.h"
#include "module/image_bytes.h"

namespace backplane {

// The record of a module file. Throws Error without the path, with a hint.
ModuleRecord read_module(const ImageBytes& bytes);

// The modules linked into the running program, from the program file's own metadata; state Builtin.
std::vector<ModuleRecord> read_builtin_modules();

}  // namespace backplane
