// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "backplane/memory.h"

namespace backplane {

// What each address of [0, kMaxSize) shows, looking down on a tree of regions: sorted,
// not overlapping, neighbours that continue each other joined.
std::vector<FlatRange> flatten(const MemoryRegion& root);

}  // namespace backplane
