// SPDX-License-Identifier: MIT
#include "object/loaded_files.h"

#include <dlfcn.h>
#include <link.h>

#include <string>
#include <vector>

namespace backplane::detail {

namespace {

// Paths of all loaded files; the program's own is empty.
std::vector<std::string> paths() {
  std::vector<std::string> paths;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* out) {
        static_cast<std::vector<std::string>*>(out)->emplace_back(info->dlpi_name);
        return 0;
      },
      &paths);
  return paths;
}

}  // namespace

void for_each_loaded_file(const std::function<void(void* handle)>& fn) {
  for (const std::string& path : paths()) {
    void* const handle = dlopen(path.empty() ? nullptr : path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (handle == nullptr) continue;
    fn(handle);
    dlclose(handle);
  }
}

void* exported(void* handle, const char* name) { return dlsym(handle, name); }

}  // namespace backplane::detail
