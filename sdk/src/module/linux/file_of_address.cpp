// SPDX-License-Identifier: MIT
#include "module/file_of_address.h"

#include <dlfcn.h>

namespace backplane {

std::filesystem::path path_of_address(const void* address) {
  Dl_info info;
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return {};
  return info.dli_fname;
}

std::filesystem::path program_file() { return "/proc/self/exe"; }

}  // namespace backplane
