// SPDX-License-Identifier: MIT
// The images of a machine's disks, as one of two programs has them.
#pragma once

#include "backplane/object.h"

namespace backplane {

// All block nodes in the tree that the object is in. What was handed over before one cannot be is
// taken back. Throw Error. Machine lock.
void hand_images_over(const Object& in_tree);
void take_images_over(const Object& in_tree);

}  // namespace backplane
