// SPDX-License-Identifier: MIT
#include "backplane/backend.h"
#include "backplane/machine.h"
#include "backplane/options.h"

namespace backplane {

// What was made later may stand on what was made earlier.
Backends::~Backends() {
  while (!children().empty()) remove_child(*children().back());
}

Backend& Backends::add(const Kind& kind, std::string_view name, const std::string& id,
                       const std::vector<std::pair<std::string, std::string>>& properties) {
  check_id(id);
  const ObjectClass& k = class_of_kind(kind, name);
  if (const Object* const other = find(id))
    throw Error::of("id '{}' is taken, by a {}: give each backend an id of its own", id,
                    other->type_name());
  Backend& backend = add_child(id, create_object<Backend>(k.name));
  try {
    machine_.apply_compat(backend);
    for (const auto& [key, value] : properties) backend.set_property(key, value);
    backend.machine_ = &machine_;
    backend.open();
  } catch (...) {
    remove_child(backend);
    throw;
  }
  return backend;
}

void Backends::remove(std::string_view id) {
  auto* const backend = dynamic_cast<Backend*>(find(id));
  if (backend == nullptr) throw Error::of("'{}' is no backend", id);
  if (const Object* const user = backend->user())
    throw Error::of("'{}' is in use by {}: remove that first", id, user->path());
  remove_child(*backend);
}

namespace detail {

Backend& find_backend(Object& from, std::string_view id_or_path) {
  const std::string path = id_or_path.starts_with('/')
                               ? std::string(id_or_path)
                               : fmt::format("{}/{}", Backends::kPath, id_or_path);
  auto* const backend = dynamic_cast<Backend*>(from.find(path));
  if (backend == nullptr) throw Error("there is no backend with this id");
  return *backend;
}

}  // namespace detail

BACKPLANE_REGISTER_ABSTRACT(Backends)

}  // namespace backplane
