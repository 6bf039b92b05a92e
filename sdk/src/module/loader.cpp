// SPDX-License-Identifier: MIT
#include "module/loader.h"

#define BOOST_DLL_USE_STD_FS
#include <algorithm>
#include <boost/dll/shared_library.hpp>

#include "module/file_of_address.h"
#include "module/load_watch.h"
#include "module/run_constructors.h"
#include "object/linked_types.h"

namespace backplane {

namespace {

namespace dll = boost::dll;

// What was caught while the file was loaded, without its path: what the system's loader says, out
// of Boost.DLL's message, or else what one of the file's constructors threw. (Such an exception
// comes through the loader, which stays usable on this thread.)
std::string load_failure(std::string text, const std::filesystem::path& path) {
  static constexpr std::string_view kRefused = "boost::dll::shared_library::load() failed";
  static constexpr std::string_view kMark = "dlerror system message: ";
  if (!text.starts_with(kRefused)) return "its start-up code failed: " + text;
  if (const std::size_t at = text.find(kMark); at != std::string::npos) {
    text.erase(0, at + kMark.size());
    if (const std::size_t end = text.rfind(')'); end != std::string::npos) text.erase(end);
  }
  const std::string prefix = path.string() + ": ";
  return "cannot be loaded: " + (text.starts_with(prefix) ? text.substr(prefix.size()) : text);
}

bool is_registered_from(const std::string& type, const std::filesystem::path& file) {
  const TypeInfo* info = TypeRegistry::instance().find(type);
  if (info == nullptr) return false;
  std::error_code ignored;
  return std::filesystem::equivalent(path_of_address(info->file_anchor), file, ignored);
}

void check_promises(const ModuleRecord& record, const std::vector<TypeInfo*>& types) {
  for (const ModuleRecord::Type& promised : record.types) {
    const bool linked = std::any_of(types.begin(), types.end(), [&](const TypeInfo* type) {
      return promised.name == type->name;
    });
    if (!linked && !is_registered_from(promised.name, record.path))
      throw Error::of("its metadata promises the type '{}', but it does not register it",
                      promised.name)
          .with_hint("reinstall the module's package");
  }
  for (const TypeInfo* type : types)
    if (TypeRegistry::instance().has(type->name))
      throw Error::of("it registers the type '{}', which is already there", type->name)
          .with_hint("remove one of the two modules");
}

}  // namespace

void load_module_file(const ModuleRecord& record, const std::filesystem::path& from) {
  dll::shared_library library;
  try {
    const LoadWatch watch(record.path);
    run_constructors(from);
    library.load(from, dll::load_mode::rtld_now | dll::load_mode::rtld_local);
  } catch (...) {
    throw Error(load_failure(current_exception_text(), from))
        .with_hint("reinstall the module's package and those it needs");
  }
  // Kept whatever follows: the file's constructors ran, so it must not be unmapped.
  static auto* const kept = new std::vector<dll::shared_library>;
  kept->push_back(library);

  const std::vector<TypeInfo*> types = detail::take_types_of(library.native());
  check_promises(record, types);
  detail::register_types(types);
  // Types of files that came with it as libraries.
  module_call_init(ModuleInit::Qom);
}

}  // namespace backplane
