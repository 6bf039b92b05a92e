// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "images.h"

namespace backplane::nbd {

// An image, and what it stands on where that was opened before, and is closed after it.
struct Opened {
  std::unique_ptr<img::OpenImage> below;
  std::unique_ptr<img::OpenImage> image;
};

// Opens an image so that what is written goes into a file that nobody finds, and is gone at the
// end. Throws Error.
Opened open_overlay(img::Images& images, const std::string& path, const img::Opening& how);

}  // namespace backplane::nbd
