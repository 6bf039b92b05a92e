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
    bool abstract = false;
    // What listings print about it; see TypeAbout.
    std::string bus;
    std::string category;
    bool board_only = false;
    std::string description;
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
  // Words of the monitor that devices bring, and the type of those: see monitor.h.
  struct MonitorWord {
    std::string word;
    std::string type;
  };
  std::vector<MonitorWord> monitor_words;
  // A module that it builds on, and the version that it was built with; empty: any.
  struct Requirement {
    std::string module;
    std::string version;
    bool operator==(const Requirement&) const = default;
  };
  std::vector<Requirement> requires_modules;
  std::vector<std::string> libraries;      // shared libraries it is linked with
  std::vector<std::string> library_paths;  // where it wants them looked for ($ORIGIN: its folder)
  std::filesystem::path path;              // empty if built in
  ModuleState state = ModuleState::Available;
  std::string reason;  // why it is refused or shadowed, and the cure; without the path
};

// The metadata of one file, read as data (ELF or PE), bounds-checked: whatever the file declares
// must lie inside it, so that a file truncated at any byte is told. Throws Error, which begins with
// the path, saying what is wrong with the file. Fuzzed.
//
// Only the file is judged, not whether this program can use it: see ModuleIndex.
ModuleRecord read_module_file(const std::filesystem::path& path);
// The same from bytes in memory, for tests and fuzzing.
ModuleRecord parse_module_image(const void* data, std::size_t size);

// Why a module with this metadata cannot run with this SDK (version, compiler ABI, processor), with
// the cure; empty if it can.
std::string refusal_of_metadata(const ModuleRecord& record);

// The program's modules: what the search path offers and what is linked in. One instance; each call
// takes its lock, so any thread may call. What it returns stays valid and, but for `state` and
// `reason`, which load() changes, the same.
//
// The search path, in order: the directories of -module-path, those of the environment variable
// BACKPLANE_MODULE_PATH (separated by ":", on Windows by ";"), the installed directory
// ("backplane" beside libbackplane, wherever that was moved; on Windows "../lib/backplane"). A
// directory or file that others may write to is refused. The first file that provides a type or
// carries a module's name wins.
class ModuleIndex {
 public:
  static ModuleIndex& instance();

  // Adds a directory of -module-path after those added before. Said once (log::warn) and skipped if
  // it is absent, not a directory, empty or writable by others. Has no effect after scan().
  void add_path(const std::filesystem::path& directory);
  // Reads the metadata of everything on the search path; runs no code of any module. Called once,
  // after the -module-path options; later calls do nothing. Every lookup below calls it itself.
  void scan();

  const std::vector<ModuleRecord>& records() const;
  // The directories searched, in order, for `-module help` and messages.
  std::vector<std::filesystem::path> search_path() const;

  // The record that provides a type or carries a module name; null if none does. Refused and
  // shadowed records are found only if no better one exists; a file too damaged to be read, if the
  // known modules say what it should have.
  const ModuleRecord* provider_of(std::string_view type) const;
  const ModuleRecord* find(std::string_view module) const;

  // Why a record's types cannot be had (refused, shadowed, a requirement missing): one line that
  // begins with the file, or empty if they can.
  std::string unavailable_reason(const ModuleRecord& record) const;

  // Loads a module and what it requires, and registers its types. Does nothing if that was done.
  // Throws Error (file, found, wanted, cure), with the same message at each attempt.
  void load(std::string_view module);

  // The digest of the set: of the names and the contents of all files that can be used, and of what
  // is linked in. Two programs that have the same can load the same. Hexadecimal SHA-256; files
  // that cannot be read any more count as empty.
  std::string digest() const;

  // A type as listings show it.
  struct TypeListing {
    std::string name;
    std::string parent;
    std::string description;
    std::string bus;       // its own or its nearest ancestor's
    std::string category;  // the same
    bool abstract = false;
    bool board_only = false;               // or an ancestor is
    const ModuleRecord* module = nullptr;  // null: the frame's own, or linked into the program
    std::string unavailable;               // reason, or empty
  };
  // The types in the index and the registry deriving from `base` (inclusive), without loading
  // anything. Sorted by name.
  std::vector<TypeListing> list_types(std::string_view base) const;

 private:
  ModuleIndex();
  struct Impl;
  Impl* impl_;
};

// The class of a type, loading its module if needed. Null if nothing known provides it; throws
// Error (file, found, wanted, cure) if something does and cannot be used.
const ObjectClass* class_by_name(std::string_view type);

// What packages are known to provide: a module, the types it gives, the package to install. Lets
// "not installed" be told from "unknown".
//
// Read from the file "known-modules" in each directory of the search path; the installed one is
// written by the build, and packagers may add lines. A line is "MODULE PACKAGE TYPE..."; "#" begins
// a comment. The first line that names a module counts.
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
