// SPDX-License-Identifier: MIT
#pragma once

#include <string>
#include <vector>

#include "backplane/image.h"

namespace backplane::img {

// A line for each, and one above them that says what the columns are.
std::string print_snapshots(const std::vector<Snapshot>& snapshots);
// The same for programs.
Value snapshots_value(const std::vector<Snapshot>& snapshots);

}  // namespace backplane::img
