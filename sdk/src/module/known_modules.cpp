// SPDX-License-Identifier: MIT
#include <algorithm>
#include <sstream>

#include "backplane/host_file.h"
#include "backplane/module.h"
#include "module/search_path.h"

namespace backplane {

namespace {

// A list of packages is a small text.
constexpr u64 kLargestList = 1_MiB;

void read_known_modules(const std::filesystem::path& path, std::vector<KnownModule>& known) {
  HostFile file;
  std::vector<u8> bytes;
  if (file.open(path, HostFile::OnPipe::Proceed) != 0 || file.kind() != HostFile::Kind::Regular ||
      file.read_to_end(bytes, kLargestList) != 0)
    return;
  std::istringstream in(std::string(bytes.begin(), bytes.end()));
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line.substr(0, line.find('#')));
    KnownModule entry;
    if (!(words >> entry.module >> entry.package)) continue;
    for (std::string type; words >> type;) entry.types.push_back(std::move(type));
    const bool named_before = std::any_of(
        known.begin(), known.end(), [&](const KnownModule& k) { return k.module == entry.module; });
    if (!named_before) known.push_back(std::move(entry));
  }
}

std::vector<KnownModule> read_all(std::vector<std::filesystem::path> directories) {
  // The installed directory is not on the search path once its last module was removed.
  const std::filesystem::path installed = installed_module_directory();
  if (std::find(directories.begin(), directories.end(), installed) == directories.end())
    directories.push_back(installed);
  std::vector<KnownModule> known;
  for (const auto& directory : directories) read_known_modules(directory / "known-modules", known);
  return known;
}

}  // namespace

const std::vector<KnownModule>& known_modules() {
  // Outside of the initialiser below, which must not wait for the index's lock.
  std::vector<std::filesystem::path> directories = ModuleIndex::instance().search_path();
  static const auto* const known = new std::vector<KnownModule>(read_all(std::move(directories)));
  return *known;
}

const KnownModule* known_provider_of(std::string_view type) {
  for (const KnownModule& entry : known_modules())
    if (std::find(entry.types.begin(), entry.types.end(), type) != entry.types.end()) return &entry;
  return nullptr;
}

}  // namespace backplane
