// SPDX-License-Identifier: MIT
#include "module/search_path.h"

#include <algorithm>
#include <cstdlib>

#include "backplane/log.h"
#include "backplane/module.h"
#include "module/acceptance.h"
#include "module/file_of_address.h"
#include "module/naming.h"

namespace backplane {

namespace fs = std::filesystem;

namespace {

// The module files in a directory, sorted by name.
std::vector<fs::directory_entry> module_files_in(const fs::path& directory) {
  std::vector<fs::directory_entry> files;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == kModuleSuffix) files.push_back(*at);
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

fs::path installed_module_directory() {
  std::error_code error;
  const fs::path library = fs::canonical(
      path_of_address(reinterpret_cast<const void*>(&installed_module_directory)), error);
  if (error) return {};
  return (library.parent_path() / BACKPLANE_MODULE_DIRECTORY).lexically_normal();
}

std::vector<fs::path> local_module_directories(const fs::path& installed) {
  // What lies in /usr/local itself has its own directory there.
  const fs::path below_usr = installed.lexically_relative("/usr");
  if (below_usr.empty() || *below_usr.begin() == ".." || *below_usr.begin() == "local") return {};
  const fs::path local = "/usr/local";
  std::vector<fs::path> directories{local / below_usr};
  // Without the processor's folder, which Debian has below /usr alone.
  fs::path plain = local / "lib" / installed.filename();
  if (plain != directories.front()) directories.push_back(std::move(plain));
  return directories;
}

void SearchPath::add(const fs::path& path, std::string_view origin, bool may_be_empty) {
  std::error_code error;
  fs::path absolute = fs::absolute(path, error).lexically_normal();
  if (!absolute.has_filename()) absolute = absolute.parent_path();
  if (std::any_of(directories_.begin(), directories_.end(),
                  [&](const Directory& known) { return known.path == absolute; }))
    return;
  std::vector<fs::directory_entry> files = module_files_in(absolute);
  if (files.empty() && may_be_empty) return;
  const std::string refusal = refusal_of_directory(absolute);
  if (!refusal.empty())
    log::warn(fmt::format("{} {}: {}; skipped", origin, path.string(), refusal));
  else if (files.empty())
    log::warn(fmt::format("{} {}: there are no modules in it", origin, path.string()));
  if (refusal.empty()) directories_.push_back({std::move(absolute), std::move(files)});
}

void SearchPath::add_option(const fs::path& directory) {
  if (directory.empty())
    log::warn("-module-path: the directory's name is empty; skipped");
  else
    add(directory, "-module-path");
}

void SearchPath::add_environment(bool borrowed_rights) {
  const char* variable = std::getenv("BACKPLANE_MODULE_PATH");
  std::string_view list = variable == nullptr ? "" : variable;
  if (borrowed_rights && !list.empty()) {
    log::warn("BACKPLANE_MODULE_PATH: ignored, since this program has more rights than its user");
    return;
  }
  while (!list.empty()) {
    const std::size_t colon = list.find(kPathListSeparator);
    const fs::path directory = list.substr(0, colon);
    list.remove_prefix(colon == std::string_view::npos ? list.size() : colon + 1);
    if (directory.is_absolute())
      add(directory, "BACKPLANE_MODULE_PATH");
    else if (!directory.empty())
      log::warn(fmt::format("BACKPLANE_MODULE_PATH {}: not an absolute path; skipped",
                            directory.string()));
  }
}

void SearchPath::add_installed() {
  const fs::path installed = installed_module_directory();
  if (installed.empty()) return;
  std::vector<fs::path> directories = local_module_directories(installed);
  directories.push_back(installed);
  for (const fs::path& directory : directories) add(directory, "module directory", true);
}

}  // namespace backplane
