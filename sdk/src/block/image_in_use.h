// SPDX-License-Identifier: MIT
// What is said when somebody else's use of an image forbids ours.
#pragma once

#include "backplane/error.h"
#include "block/image_file.h"

namespace backplane {

// Who has it: one that opened it as we do, to write or to read, or a program that locked all of it
// for reasons of its own, against writers or against everybody.
enum class ImageUser { Writer, Reader, ReadLock, Exclusive };

// What is the case, and what helps, in the words of the option that names the image. Where nothing
// gets around a lock, options.cures.unlocked is empty.
Error image_in_use(const ImageOptions& options, bool for_writing, ImageUser user);

}  // namespace backplane
