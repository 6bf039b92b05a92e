// SPDX-License-Identifier: MIT
// The module loader: an index of what the search path offers, read from metadata alone, and the
// lookup that loads a module when one of its types is first named.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "backplane/object.h"

namespace backplane {

enum class ModuleState {
  Builtin,    // linked into the program
  Loaded,     // its types are registered
  Available,  // accepted, not loaded yet
  Refused,    // something is wrong with the file; see reason
  Shadowed,   // an earlier file provides the same module or type
};
std::string_view to_string(ModuleState state);

// One file (or built-in) as the index knows it.
struct ModuleRecord {
  struct Type {
    std::string name;
    std::string parent;
  };
  std::string name;
  std::string version;
  std::string license;
  std::string description;
  std::string package;
  std::string sdk;
  std::string abi;
  std::string arch;
  std::vector<Type> types;
  std::vector<std::string> requires_modules;
  std::filesystem::path path;  // empty if built in
  ModuleState state = ModuleState::Available;
  std::string reason;  // why it is refused or shadowed, and the cure
};

// The metadata of one file, read as data (ELF or PE), bounds-checked. Throws Error saying what is
// wrong with the file. Fuzzed.
ModuleRecord read_module_file(const std::filesystem::path& path);
// The same from bytes in memory, for tests and fuzzing.
ModuleRecord parse_module_image(const void* data, std::size_t size);

// The program's modules. One instance; used under its own lock on any thread.
class ModuleIndex {
 public:
  static ModuleIndex& instance();

  // Adds a directory of -module-path, before the others. Said once and skipped if it is absent,
  // not a directory, or writable by others.
  void add_path(const std::filesystem::path& directory);
  // Reads BACKPLANE_MODULE_PATH and the installed directory (relative to libbackplane), then
  // scans everything. Called once, after the -module-path options; later calls do nothing.
  void scan();

  const std::vector<ModuleRecord>& records() const;
  // The directories searched, in order, for `-module help` and messages.
  std::vector<std::filesystem::path> search_path() const;

  // The record that provides a type or carries a module name; null if none does. Refused and
  // shadowed records are found only if no better one exists.
  const ModuleRecord* provider_of(std::string_view type) const;
  const ModuleRecord* find(std::string_view module) const;

  // Why a record's types cannot be had (refused, a requirement missing), or empty if they can.
  std::string unavailable_reason(const ModuleRecord& record) const;

  // Loads a module and what it requires. Throws Error with the same message at each attempt.
  void load(std::string_view module);

  // The type names in the index and the registry deriving from `base`, with availability,
  // without loading anything. Sorted by name.
  struct TypeListing {
    std::string name;
    const ModuleRecord* module = nullptr;  // null: linked into the program
    bool abstract = false;                 // known only for registered types
    std::string unavailable;               // reason, or empty
  };
  std::vector<TypeListing> list_types(std::string_view base) const;

 private:
  ModuleIndex();
  struct Impl;
  Impl* impl_;
};

// The class of a type, loading its module if needed. Null if nothing known provides it; throws
// Error (file, found, wanted, cure) if something does and cannot be used.
const ObjectClass* class_by_name(std::string_view type);

// `<name>-accel` through class_by_name.
const ObjectClass* accel_find(std::string_view name);

// What packages are known to provide: module `name`, the types it gives, the package to install.
// Read from the installed known-modules file; lets "not installed" be told from "unknown".
struct KnownModule {
  std::string module;
  std::string package;
  std::vector<std::string> types;
};
const std::vector<KnownModule>& known_modules();
const KnownModule* known_provider_of(std::string_view type);

// The file name of the shared object that an address belongs to ("hw-virtio.so"), for traces.
std::string file_of_address(const void* address);

}  // namespace backplane
