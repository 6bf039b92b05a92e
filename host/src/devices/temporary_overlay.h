// SPDX-License-Identifier: MIT
// What -snapshot puts above a disk.
#pragma once

#include <string>

#include "backplane/backend.h"
#include "backplane/block.h"

namespace backplane::host {

// Adds the node `id`, which is as the node `below` until it is written to; what is written goes
// into a file without a name, in TMPDIR or /var/tmp, and is gone at the end. Throws Error. Machine
// lock held.
void add_temporary_overlay(Backends& backends, const std::string& id, const BlockNode& below);

// The id of the node that its file is.
std::string temporary_overlay_file(const std::string& id);

}  // namespace backplane::host
