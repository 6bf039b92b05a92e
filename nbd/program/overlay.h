// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>

#include "images.h"

namespace backplane::nbd {

// Opens an image so that what is written goes into a file that nobody finds, and is gone at the
// end. Throws Error.
std::unique_ptr<img::OpenImage> open_overlay(img::Images& images, const std::string& path,
                                             const img::Opening& how);

}  // namespace backplane::nbd
