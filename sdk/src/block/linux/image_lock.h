// SPDX-License-Identifier: MIT
#pragma once

#include "block/image_file.h"

namespace backplane {

// Keeps several programs from writing one image, and from writing one that another reads: locks
// bytes of the file, on behalf of this opening of it, until fd is closed. The bytes are those that
// QEMU locks, so that it and we do not open what the other writes, either.
//
// Throws Error if the image is in use, or if options.locking is On and there are no locks; with
// Auto, that is a warning.
void lock_image(int fd, const ImageOptions& options, bool for_writing);
// Lets go of what lock_image() locked.
void unlock_image(int fd);

}  // namespace backplane
