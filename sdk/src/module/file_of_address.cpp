// SPDX-License-Identifier: MIT
#include "module/file_of_address.h"

#include <dlfcn.h>

#include "backplane/module.h"

namespace backplane {

std::filesystem::path path_of_address(const void* address) {
  Dl_info info;
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return {};
  return info.dli_fname;
}

std::string file_of_address(const void* address) {
  return path_of_address(address).filename().string();
}

}  // namespace backplane
