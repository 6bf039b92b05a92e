// SPDX-License-Identifier: MIT
// What is the same on every system; the rest is in linux and windows.
#include "module/file_of_address.h"

#include "backplane/module.h"

namespace backplane {

std::string file_of_address(const void* address) {
  return path_of_address(address).filename().string();
}

}  // namespace backplane
