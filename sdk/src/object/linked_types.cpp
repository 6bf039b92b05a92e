// SPDX-License-Identifier: MIT
#include "object/linked_types.h"

#include <algorithm>
#include <mutex>

#include "backplane/log.h"
#include "object/loaded_files.h"

namespace backplane {

namespace detail {

namespace {

using TakeTypes = TypeInfo* (*)();

// On Linux, a handle also stands for what the file depends on, so several may give the same
// function: its list is then simply empty the second time.
TakeTypes find_take_types(void* handle) {
  return reinterpret_cast<TakeTypes>(exported(handle, "backplane_take_types"));
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

}  // namespace

std::vector<TypeInfo*> take_types_of(void* handle) {
  const TakeTypes take_types = find_take_types(handle);
  return take_types == nullptr ? std::vector<TypeInfo*>() : take(take_types);
}

std::vector<TypeInfo*> take_types_of_all_files() {
  std::vector<TypeInfo*> all;
  for_each_loaded_file([&](void* handle) {
    const std::vector<TypeInfo*> types = take_types_of(handle);
    all.insert(all.end(), types.begin(), types.end());
  });
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
