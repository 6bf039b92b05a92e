// SPDX-License-Identifier: MIT
// The directories in which modules are looked for.
#pragma once

#include <filesystem>
#include <vector>

namespace backplane {

// Where modules are installed, found from where the file of libbackplane is now: "backplane" beside
// it; on Windows, where libraries are beside the program, "../lib/backplane".
std::filesystem::path installed_module_directory();

// Where what is built on this system is installed unless another prefix is given, beside a program
// of the distribution's whose modules are in `installed`: below /usr/local, for one below /usr.
// Such a directory is searched before it.
std::vector<std::filesystem::path> local_module_directories(const std::filesystem::path& installed);

class SearchPath {
 public:
  // Each says once, on stderr, why a directory is skipped. A directory that is already there is
  // passed over in silence.
  void add_option(const std::filesystem::path& directory);
  // BACKPLANE_MODULE_PATH. Only absolute directories: the working directory is never searched
  // without being named. With rights that whoever started the program has not, it is ignored.
  void add_environment(bool borrowed_rights);
  // The installed directory, and the local ones before it; nothing is said if there is none.
  void add_installed();

  struct Directory {
    std::filesystem::path path;
    std::vector<std::filesystem::directory_entry> files;  // of modules, sorted by name
  };
  const std::vector<Directory>& directories() const { return directories_; }

 private:
  void add(const std::filesystem::path& directory, std::string_view origin,
           bool may_be_empty = false);

  std::vector<Directory> directories_;
};

}  // namespace backplane
