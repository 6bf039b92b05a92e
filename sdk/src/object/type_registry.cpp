// SPDX-License-Identifier: MIT
// The types that are known, and their class objects, made on first use.
#include <algorithm>
#include <map>
#include <mutex>
#include <typeindex>
#include <unordered_map>

#include "backplane/module.h"
#include "backplane/object.h"

namespace backplane {

namespace {

std::unique_ptr<ObjectClass> make_root_class(const TypeInfo& type, const ObjectClass*) {
  auto k = std::make_unique<ObjectClass>();
  detail::begin_class(*k, type, nullptr);
  return k;
}

constinit TypeInfo root_type{Object::kTypeName,
                             nullptr,
                             false,
                             []() -> Object* { return new Object; },
                             &make_root_class,
                             &root_type,
                             &typeid(Object),
                             {.description = "A node of the composition tree"},
                             nullptr};

}  // namespace

namespace detail {

void begin_class(ObjectClass& k, const TypeInfo& type, const ObjectClass* parent) {
  k.type = &type;
  k.parent = parent;
  k.name = type.name;
  k.abstract = type.abstract;
  k.description = type.about.description;
  k.says_state = false;
}

}  // namespace detail

struct TypeRegistry::Impl {
  struct Entry {
    const TypeInfo* type;
    std::unique_ptr<ObjectClass> made;
    bool making = false;  // guards against a type that is its own ancestor
  };

  // Recursive: class_init may ask for other classes.
  mutable std::recursive_mutex mutex;
  std::map<std::string, Entry, std::less<>> entries;
  // Not ordered: libstdc++ for Windows has no consistent order of types in unnamed namespaces.
  std::unordered_map<std::type_index, std::string> by_cpp_type;
  std::once_flag linked_in;

  // What is linked in is registered when a type is first asked for.
  void take_linked_in() {
    std::call_once(linked_in, [] { module_call_init(ModuleInit::Qom); });
  }

  const ObjectClass* initialize(Entry& entry) {
    if (entry.made != nullptr) return entry.made.get();
    const TypeInfo& type = *entry.type;
    const ObjectClass* parent = nullptr;
    if (type.parent != nullptr) {
      const auto above = entries.find(std::string_view(type.parent));
      if (above == entries.end())
        throw Error::of("type '{}' derives from '{}', which is not registered", type.name,
                        type.parent);
      if (entry.making) throw Error::of("type '{}' derives from itself", type.name);
      entry.making = true;
      try {
        parent = initialize(above->second);
      } catch (...) {
        entry.making = false;
        throw;
      }
      entry.making = false;
    }
    try {
      entry.made = type.make_class(type, parent);
    } catch (...) {
      throw Error::of("{}: the class of type '{}' cannot be made: {}",
                      file_of_address(type.file_anchor), type.name,
                      OwnText{current_exception_text()});
    }
    return entry.made.get();
  }
};

TypeRegistry::TypeRegistry() : impl_(new Impl) { add(root_type); }

TypeRegistry& TypeRegistry::instance() {
  static auto* const registry = new TypeRegistry;
  return *registry;
}

void TypeRegistry::add(const TypeInfo& type) {
  const std::lock_guard lock(impl_->mutex);
  const auto [at, added] = impl_->entries.try_emplace(type.name, Impl::Entry{&type, nullptr});
  if (!added) throw Error::of("a type called '{}' is already registered", type.name);
  impl_->by_cpp_type.try_emplace(*type.cpp_type, type.name);
}

bool TypeRegistry::has(std::string_view name) const { return find(name) != nullptr; }

const TypeInfo* TypeRegistry::find(std::string_view name) const {
  impl_->take_linked_in();
  const std::lock_guard lock(impl_->mutex);
  const auto at = impl_->entries.find(name);
  return at == impl_->entries.end() ? nullptr : at->second.type;
}

std::vector<const TypeInfo*> TypeRegistry::types() const {
  impl_->take_linked_in();
  const std::lock_guard lock(impl_->mutex);
  std::vector<const TypeInfo*> all;
  for (const auto& [name, entry] : impl_->entries) all.push_back(entry.type);
  return all;
}

const ObjectClass* TypeRegistry::class_of(std::string_view name) {
  impl_->take_linked_in();
  const std::lock_guard lock(impl_->mutex);
  const auto at = impl_->entries.find(name);
  return at == impl_->entries.end() ? nullptr : impl_->initialize(at->second);
}

const ObjectClass* TypeRegistry::class_of(const std::type_info& cpp_type) {
  impl_->take_linked_in();
  const std::lock_guard lock(impl_->mutex);
  const auto at = impl_->by_cpp_type.find(cpp_type);
  return at == impl_->by_cpp_type.end() ? nullptr : class_of(at->second);
}

std::vector<const ObjectClass*> TypeRegistry::list(std::string_view base) {
  impl_->take_linked_in();
  const std::lock_guard lock(impl_->mutex);
  std::vector<const ObjectClass*> found;
  for (auto& [name, entry] : impl_->entries) {
    const TypeInfo* at = entry.type;
    for (unsigned depth = 0; at != nullptr && at->name != base && depth < impl_->entries.size();
         ++depth) {
      const auto above = at->parent == nullptr ? impl_->entries.end()
                                               : impl_->entries.find(std::string_view(at->parent));
      at = above == impl_->entries.end() ? nullptr : above->second.type;
    }
    if (at != nullptr && at->name == base) found.push_back(impl_->initialize(entry));
  }
  return found;
}

std::unique_ptr<Object> TypeRegistry::create(std::string_view name) {
  const ObjectClass* k = class_of(name);
  if (k == nullptr) throw Error::of("no type is called '{}'", name);
  if (k->abstract)
    throw Error::of("'{}' is an abstract type: only types that derive from it can be made", name);
  try {
    std::unique_ptr<Object> object(k->type->create());
    object->class_ = k;
    return object;
  } catch (const Error&) {
    throw;
  } catch (...) {
    throw Error::of("{}: no '{}' can be made: {}", file_of_address(k->type->file_anchor), name,
                    OwnText{current_exception_text()});
  }
}

}  // namespace backplane
