// SPDX-License-Identifier: MIT
#include "object/linked_types.h"

#include <dlfcn.h>
#include <link.h>

#include <algorithm>
#include <mutex>
#include <string>

#include "backplane/log.h"

namespace backplane {

namespace detail {

namespace {

using TakeTypes = TypeInfo* (*)();

// dlsym on a handle also looks into what the file depends on, so several handles may find the same
// function: its list is then simply empty the second time.
TakeTypes find_take_types(void* handle) {
  return reinterpret_cast<TakeTypes>(dlsym(handle, "backplane_take_types"));
}

std::vector<TypeInfo*> take(TakeTypes take_types) {
  // Lists are drained by one thread at a time.
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::vector<TypeInfo*> types;
  for (TypeInfo* type = take_types(); type != nullptr; type = type->next) types.push_back(type);
  std::reverse(types.begin(), types.end());
  return types;
}

// Paths of all loaded files; the program's own is empty.
std::vector<std::string> loaded_files() {
  std::vector<std::string> names;
  dl_iterate_phdr(
      [](dl_phdr_info* info, std::size_t, void* out) {
        static_cast<std::vector<std::string>*>(out)->emplace_back(info->dlpi_name);
        return 0;
      },
      &names);
  return names;
}

}  // namespace

std::vector<TypeInfo*> take_types_of(void* handle) {
  const TakeTypes take_types = find_take_types(handle);
  return take_types == nullptr ? std::vector<TypeInfo*>() : take(take_types);
}

std::vector<TypeInfo*> take_types_of_all_files() {
  std::vector<TypeInfo*> all;
  for (const std::string& name : loaded_files()) {
    void* const handle = dlopen(name.empty() ? nullptr : name.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (handle == nullptr) continue;
    const std::vector<TypeInfo*> types = take_types_of(handle);
    all.insert(all.end(), types.begin(), types.end());
    dlclose(handle);
  }
  return all;
}

unsigned register_types(const std::vector<TypeInfo*>& types) {
  unsigned added = 0;
  for (const TypeInfo* type : types) {
    try {
      TypeRegistry::instance().add(*type);
      ++added;
    } catch (const Error& error) {
      log::warn(error.what());
    }
  }
  return added;
}

}  // namespace detail

unsigned module_call_init(ModuleInit) {
  return detail::register_types(detail::take_types_of_all_files());
}

}  // namespace backplane
