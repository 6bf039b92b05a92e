// SPDX-License-Identifier: MIT
#include <algorithm>
#include <map>

#include "backplane/backend.h"
#include "backplane/machine.h"
#include "backplane/options.h"

namespace backplane {

// What was made later may stand on what was made earlier.
Backends::~Backends() {
  while (!children().empty()) remove_child(*children().back());
}

Backend& Backends::add(const Kind& kind, std::string_view name, const std::string& id,
                       const Properties& properties) {
  check_id(id);
  const ObjectClass& k = class_of_kind(kind, name);
  if (const Object* const other = find(id))
    throw Error::of("id '{}' is taken, by a {}: give each backend an id of its own", id,
                    other->type_name());
  Backend& backend = add_child(id, create_object<Backend>(k.name));
  try {
    set_up(backend, kind, properties);
  } catch (...) {
    remove_child(backend);
    throw;
  }
  return backend;
}

void Backends::set_up(Backend& backend, const Kind& kind, const Properties& properties) {
  const std::string link_type = fmt::format("link<{}>", kind.base);
  std::map<std::string, Properties> below;  // by link
  Properties own;
  for (const auto& [key, value] : properties) {
    const std::size_t dot = key.find('.');
    const Property* const link = backend.object_class().find_property(key.substr(0, dot));
    if (dot != std::string::npos && link != nullptr && link->type_name == link_type)
      below[link->name].emplace_back(key.substr(dot + 1), value);
    else
      own.emplace_back(key, value);
  }
  const auto inherited = backend.passed_down();
  for (auto& [link, keys] : below) {
    // First, so that what the keys say themselves comes later, and counts.
    for (const auto& property : own)
      if (std::find(inherited.begin(), inherited.end(), property.first) != inherited.end())
        keys.insert(keys.begin(), property);
    add_below(backend, kind, link, std::move(keys));
  }
  machine_.apply_compat(backend);
  for (const auto& [key, value] : own) backend.set_property(key, value);
  for (const auto& [link, keys] : below)
    backend.set_property(link, fmt::format("{}/{}", backend.path(), link));
  backend.machine_ = &machine_;
  backend.open();
  backend.open_ = true;
}

void Backends::add_below(Backend& parent, const Kind& kind, const std::string& link,
                         Properties properties) {
  const auto driver = std::find_if(properties.begin(), properties.end(),
                                   [](const auto& property) { return property.first == "driver"; });
  if (driver == properties.end())
    throw Error::of("{}.driver is missing: expects the name of a {}", link, kind.noun);
  const ObjectClass& k = class_of_kind(kind, driver->second);
  properties.erase(driver);
  set_up(parent.add_child(link, create_object<Backend>(k.name)), kind, properties);
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
  // What is being made would stand on itself.
  if (!backend->is_open()) throw Error("the backend with this id is not open yet");
  return *backend;
}

}  // namespace detail

BACKPLANE_REGISTER_ABSTRACT(Backends)

}  // namespace backplane
