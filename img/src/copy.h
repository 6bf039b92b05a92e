// SPDX-License-Identifier: MIT
#pragma once

#include "images.h"
#include "progress.h"
#include "source.h"

namespace backplane::img {

struct CopyOptions {
  bool compressed = false;
  bool target_is_zero = false;  // where nothing is written, it reads as zeroes
  bool keeps_backing = false;   // what the target stands on has what the source's top has not
  bool any_order = false;
  u64 sparse = 4_KiB;  // zeroes that are left out; 0: none
  unsigned threads = 4;
};

// Copies a disk into one that is as long at least. Throws Error.
void copy_disk(const Source& source, const OpenImage& target, const CopyOptions& options,
               Progress& progress);

}  // namespace backplane::img
