// SPDX-License-Identifier: MIT
#pragma once

#include "backplane/image.h"

namespace backplane::qcow2 {

// Counts what every table of the image in `file` leads to, and compares that with its refcounts.
// Repairs what it is asked to: leaks by lower counts, anything else that can be repaired by
// refcounts that are made anew. An image that is sound then is no longer marked dirty or corrupt.
// Throws Error where there is no image to be checked, or the file fails.
CheckReport check_image(BlockNode& file, Repair repair);

}  // namespace backplane::qcow2
