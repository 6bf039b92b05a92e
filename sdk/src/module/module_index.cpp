// SPDX-License-Identifier: MIT
// The index: what was found, in which state, and why.
#include <algorithm>
#include <chrono>
#include <deque>
#include <map>
#include <mutex>

#include "backplane/log.h"
#include "backplane/module.h"
#include "module/acceptance.h"
#include "module/file_of_address.h"
#include "module/loader.h"
#include "module/module_file.h"
#include "module/naming.h"
#include "module/pinned_file.h"
#include "module/search_path.h"
#include "module/trust.h"

namespace backplane {

namespace fs = std::filesystem;

std::string_view to_string(ModuleState state) {
  switch (state) {
    case ModuleState::Builtin:
      return "builtin";
    case ModuleState::Loaded:
      return "loaded";
    case ModuleState::Available:
      return "available";
    case ModuleState::Refused:
      return "refused";
    case ModuleState::Shadowed:
      return "shadowed";
  }
  return "unknown";
}

namespace {

bool is_usable(const ModuleRecord& record) {
  return record.state != ModuleState::Refused && record.state != ModuleState::Shadowed;
}

std::string file_name(const ModuleRecord& record) {
  return record.path.empty() ? "module " + record.name : record.path.string();
}

void refuse(ModuleRecord& record, std::string reason) {
  record.state = ModuleState::Refused;
  record.reason = std::move(reason);
}

// A file's record, refused if it is not one that this program may load, and the file if it could be
// opened.
std::pair<ModuleRecord, HostFile> examine(const fs::directory_entry& entry) {
  const fs::path& path = entry.path();
  ModuleRecord record;
  HostFile file;
  try {
    FileImage image = FileImage::open(path);
    std::string untrusted = refusal_of_mode(image.file().mode(), path);
    if (untrusted.empty()) untrusted = refusal_of_owner(image.file(), path);
    if (untrusted.empty()) untrusted = refusal_of_link(entry);
    if (untrusted.empty()) record = read_module(image);
    if (!untrusted.empty()) refuse(record, untrusted);
    file = std::move(image).release();
  } catch (const Error& error) {
    refuse(record, error.line());
  }
  record.path = path;
  if (record.name.empty()) record.name = path.stem().string();
  if (is_usable(record))
    if (std::string reason = refusal_of_metadata(record); !reason.empty())
      refuse(record, std::move(reason));
  return {std::move(record), std::move(file)};
}

}  // namespace

struct ModuleIndex::Impl {
  // Recursive: a module's class_init may ask for other types.
  mutable std::recursive_mutex mutex;
  bool scanned = false;
  SearchPath search_path;
  std::vector<ModuleRecord> records;
  // Of those that may be loaded later, by path.
  std::map<fs::path, PinnedFile> pinned;

  void add(ModuleRecord record);
  void scan();
  void shadow_if_taken(ModuleRecord& record);
  void refuse_without_libraries();

  template <class Match>
  ModuleRecord* best(Match match) {
    ModuleRecord* found = nullptr;
    for (ModuleRecord& record : records)
      if (match(record) && (found == nullptr || (!is_usable(*found) && is_usable(record))))
        found = &record;
    return found;
  }
  ModuleRecord* find(std::string_view module) {
    return best([&](const ModuleRecord& record) { return record.name == module; });
  }
  ModuleRecord* provider_of(std::string_view type) {
    return best([&](const ModuleRecord& record) {
      return std::any_of(record.types.begin(), record.types.end(),
                         [&](const ModuleRecord::Type& t) { return t.name == type; });
    });
  }

  // A file whose metadata cannot be read does not say what it has, but the known modules may.
  ModuleRecord* unreadable_provider_of(std::string_view type) {
    const KnownModule* known = known_provider_of(type);
    if (known == nullptr) return nullptr;
    return best([&](const ModuleRecord& record) {
      return record.types.empty() && record.name == known->module;
    });
  }

  // `above` holds the modules whose requirements are being followed.
  std::string unavailable_reason(const ModuleRecord& record,
                                 std::vector<const ModuleRecord*>& above);
  void load(ModuleRecord& record);
};

void ModuleIndex::Impl::shadow_if_taken(ModuleRecord& record) {
  const auto shadow = [&](std::string what, const std::string& where) {
    record.state = ModuleState::Shadowed;
    record.reason =
        fmt::format("{} is already provided by {}; remove one of the two", std::move(what), where);
  };
  const ModuleRecord* same_name = find(record.name);
  if (same_name != nullptr && is_usable(*same_name))
    return shadow(fmt::format("the module '{}'", record.name), file_name(*same_name));
  for (const ModuleRecord::Type& type : record.types) {
    const ModuleRecord* other = provider_of(type.name);
    if (other != nullptr && is_usable(*other))
      return shadow(fmt::format("the type '{}'", type.name), file_name(*other));
    const TypeInfo* registered = TypeRegistry::instance().find(type.name);
    if (registered == nullptr) continue;
    const fs::path file = path_of_address(registered->file_anchor);
    std::error_code ignored;
    if (!fs::equivalent(file, record.path, ignored))
      return shadow(fmt::format("the type '{}'", type.name), file.string());
    record.state = ModuleState::Loaded;  // linked into the program as a library
  }
}

void ModuleIndex::Impl::add(ModuleRecord record) {
  if (is_usable(record) && record.state != ModuleState::Builtin) shadow_if_taken(record);
  records.push_back(std::move(record));
}

void ModuleIndex::Impl::refuse_without_libraries() {
  std::vector<std::string> provided;
  for (const ModuleRecord& record : records) {
    if (!record.path.empty()) provided.push_back(record.path.filename().string());
    // A module that is missing is told as such.
    for (const ModuleRecord::Requirement& required : record.requires_modules)
      provided.push_back(required.module + kModuleSuffix);
  }
  for (ModuleRecord& record : records) {
    if (record.state != ModuleState::Available) continue;
    const std::string library = missing_library(record, provided);
    if (!library.empty())
      refuse(record, fmt::format("it needs the library {}, which is not installed; install the "
                                 "package that has it",
                                 library));
  }
}

void ModuleIndex::Impl::scan() {
  if (scanned) return;
  scanned = true;
  search_path.add_environment(has_borrowed_rights());
  search_path.add_installed();
  for (ModuleRecord& record : read_builtin_modules()) add(std::move(record));
  for (const SearchPath::Directory& directory : search_path.directories())
    for (const fs::directory_entry& entry : directory.files) {
      auto [record, file] = examine(entry);
      add(std::move(record));
      if (records.back().state == ModuleState::Available)
        pinned.try_emplace(entry.path(), entry.path(), std::move(file));
    }
  refuse_without_libraries();
  if (!log::enabled(LogCategory::Module)) return;
  for (const ModuleRecord& record : records)
    log::print(LogCategory::Module, "{}: {}{}{}", file_name(record), to_string(record.state),
               record.reason.empty() ? "" : ": ", record.reason);
}

std::string ModuleIndex::Impl::unavailable_reason(const ModuleRecord& record,
                                                  std::vector<const ModuleRecord*>& above) {
  if (!is_usable(record)) return fmt::format("{}: {}", file_name(record), record.reason);
  if (std::find(above.begin(), above.end(), &record) != above.end())
    return fmt::format("{}: it requires itself; reinstall the module's package", file_name(record));
  above.push_back(&record);
  std::string reason;
  for (const auto& [name, version] : record.requires_modules) {
    const ModuleRecord* required = find(name);
    if (required == nullptr) {
      const auto& known = known_modules();
      const auto package =
          std::find_if(known.begin(), known.end(),
                       [&, &name = name](const KnownModule& k) { return k.module == name; });
      reason = fmt::format(
          "{}: it requires the module '{}', which is not installed; install {}", file_name(record),
          name,
          package == known.end() ? "the package that has it" : "the package " + package->package);
      break;
    }
    if (const std::string below = unavailable_reason(*required, above); !below.empty())
      reason = fmt::format("{}: it requires the module '{}': {}", file_name(record), name, below);
    else if (const std::string unfit = refusal_of_version(*required, version); !unfit.empty())
      reason = fmt::format("{}: {}", file_name(record), unfit);
    if (!reason.empty()) break;
  }
  above.pop_back();
  return reason;
}

void ModuleIndex::Impl::load(ModuleRecord& record) {
  std::vector<const ModuleRecord*> above;
  if (const std::string reason = unavailable_reason(record, above); !reason.empty())
    throw Error(reason);
  if (record.state != ModuleState::Available) return;
  for (const ModuleRecord::Requirement& required : record.requires_modules)
    load(*find(required.module));
  const auto start = std::chrono::steady_clock::now();
  log::print(LogCategory::Module, "{}: loading", file_name(record));
  try {
    const fs::path from = pinned.at(record.path).path_to_load();
    load_module_file(record, from);
    // A file without its name is told of by that which it is loaded by.
    if (from == record.path) pinned.erase(record.path);
  } catch (const Error& error) {
    refuse(record, error.line());
    throw Error(fmt::format("{}: {}", file_name(record), record.reason));
  }
  record.state = ModuleState::Loaded;
  log::print(LogCategory::Module, "{}: loaded in {} us", file_name(record),
             std::chrono::duration_cast<std::chrono::microseconds>(
                 std::chrono::steady_clock::now() - start)
                 .count());
}

ModuleIndex::ModuleIndex() : impl_(new Impl) {}

ModuleIndex& ModuleIndex::instance() {
  static auto* const index = new ModuleIndex;
  return *index;
}

void ModuleIndex::add_path(const fs::path& directory) {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->scanned) impl_->search_path.add_option(directory);
}

void ModuleIndex::scan() {
  const std::lock_guard lock(impl_->mutex);
  impl_->scan();
}

const std::vector<ModuleRecord>& ModuleIndex::records() const {
  const std::lock_guard lock(impl_->mutex);
  impl_->scan();
  return impl_->records;
}

std::vector<fs::path> ModuleIndex::search_path() const {
  const std::lock_guard lock(impl_->mutex);
  impl_->scan();
  std::vector<fs::path> directories;
  for (const SearchPath::Directory& directory : impl_->search_path.directories())
    directories.push_back(directory.path);
  return directories;
}

const ModuleRecord* ModuleIndex::provider_of(std::string_view type) const {
  const std::lock_guard lock(impl_->mutex);
  impl_->scan();
  if (const ModuleRecord* provider = impl_->provider_of(type)) return provider;
  return impl_->unreadable_provider_of(type);
}

const ModuleRecord* ModuleIndex::find(std::string_view module) const {
  const std::lock_guard lock(impl_->mutex);
  impl_->scan();
  return impl_->find(module);
}

std::string ModuleIndex::unavailable_reason(const ModuleRecord& record) const {
  const std::lock_guard lock(impl_->mutex);
  impl_->scan();
  std::vector<const ModuleRecord*> above;
  return impl_->unavailable_reason(record, above);
}

void ModuleIndex::load(std::string_view module) {
  const std::lock_guard lock(impl_->mutex);
  impl_->scan();
  ModuleRecord* record = impl_->find(module);
  if (record == nullptr) throw Error::of("no module is called '{}'", module);
  impl_->load(*record);
}

}  // namespace backplane
