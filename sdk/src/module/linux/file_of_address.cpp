// SPDX-License-Identifier: MIT
#include "module/file_of_address.h"

#include <dlfcn.h>
#include <sys/auxv.h>
#include <unistd.h>

namespace backplane {

std::filesystem::path path_of_address(const void* address) {
  Dl_info info;
  if (dladdr(address, &info) == 0 || info.dli_fname == nullptr) return {};
  return info.dli_fname;
}

std::filesystem::path program_file() {
  static constexpr const char* kLink = "/proc/self/exe";
  if (access(kLink, R_OK) == 0) return kLink;
  // Where there is no /proc: as it was started. [getauxval(3) "AT_EXECFN"]
  const auto* const name = reinterpret_cast<const char*>(getauxval(AT_EXECFN));
  return name == nullptr ? "" : name;
}

}  // namespace backplane
