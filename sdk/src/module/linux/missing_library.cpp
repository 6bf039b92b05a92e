// SPDX-License-Identifier: MIT
// Where the system's dynamic loader looks for a library, followed without loading anything:
// [ld.so(8) "DESCRIPTION"].
#include <link.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include "module/acceptance.h"

namespace backplane {

namespace {

namespace fs = std::filesystem;

bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool is_in_process(const std::string& library) {
  struct Search {
    const std::string& library;
    bool found = false;
  } search{library};
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* data) {
        auto& wanted = *static_cast<Search*>(data);
        const std::string_view path = info->dlpi_name;
        wanted.found = path.substr(path.rfind('/') + 1) == wanted.library;
        return wanted.found ? 1 : 0;
      },
      &search);
  return search.found;
}

// "dir:dir", with $ORIGIN meaning `origin`.
bool is_on_path(std::string_view list, const std::string& library, const fs::path& origin) {
  while (!list.empty()) {
    const std::size_t colon = list.find(':');
    std::string directory(list.substr(0, colon));
    list.remove_prefix(colon == std::string_view::npos ? list.size() : colon + 1);
    for (const std::string_view token : {"${ORIGIN}", "$ORIGIN"})
      if (const std::size_t at = directory.find(token); at != std::string::npos)
        directory.replace(at, token.size(), origin.string());
    if (!directory.empty() && is_there(fs::path(directory) / library)) return true;
  }
  return false;
}

bool is_in_system_directory(const std::string& library) {
  static constexpr std::array kDirectories{"/lib/x86_64-linux-gnu",
                                           "/usr/lib/x86_64-linux-gnu",
                                           "/lib64",
                                           "/usr/lib64",
                                           "/lib",
                                           "/usr/lib",
                                           "/usr/local/lib"};
  return std::any_of(kDirectories.begin(), kDirectories.end(), [&](const char* directory) {
    return is_there(fs::path(directory) / library);
  });
}

// The cache holds the full path of each library, ended by NUL.
bool is_in_loader_cache(const std::string& library) {
  std::ifstream file("/etc/ld.so.cache", std::ios::binary);
  const std::string cache{std::istreambuf_iterator<char>(file), {}};
  return cache.find("/" + library + '\0') != std::string::npos;
}

bool would_be_found(const std::string& library, const ModuleRecord& record) {
  const fs::path origin = record.path.parent_path();
  if (library.find('/') != std::string::npos) return is_there(library);
  if (is_in_process(library)) return true;
  for (const std::string& list : record.library_paths)
    if (is_on_path(list, library, origin)) return true;
  if (const char* list = std::getenv("LD_LIBRARY_PATH"))
    if (is_on_path(list, library, origin)) return true;
  return is_in_system_directory(library) || is_in_loader_cache(library);
}

}  // namespace

std::string missing_library(const ModuleRecord& record, const std::vector<std::string>& provided) {
  for (const std::string& library : record.libraries)
    if (std::find(provided.begin(), provided.end(), library) == provided.end() &&
        !would_be_found(library, record))
      return library;
  return {};
}

}  // namespace backplane
