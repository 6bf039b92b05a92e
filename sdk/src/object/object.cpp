// SPDX-License-Identifier: MIT
// The composition tree and access to properties by name.
#include "backplane/object.h"

#include <algorithm>
#include <cassert>

namespace backplane {

namespace {

// The first free index for a name ending in "[*]".
std::string numbered(const Object& parent, std::string_view pattern) {
  const std::string_view stem = pattern.substr(0, pattern.size() - 3);
  for (unsigned index = 0;; ++index) {
    std::string name = fmt::format("{}[{}]", stem, index);
    const bool taken = std::any_of(parent.children().begin(), parent.children().end(),
                                   [&](const auto& child) { return child->child_name() == name; });
    if (!taken) return name;
  }
}

std::string property_names(const ObjectClass& k) {
  std::vector<std::string_view> names;
  for (const Property& row : k.properties) names.push_back(row.name);
  std::sort(names.begin(), names.end());
  return fmt::format("{}", fmt::join(names, ", "));
}

}  // namespace

Property& ObjectClass::property(Property row) {
  for (Property& present : properties)
    if (present.name == row.name) return present = std::move(row);
  return properties.emplace_back(std::move(row));
}

const Property* ObjectClass::find_property(std::string_view wanted) const {
  for (const Property& row : properties)
    if (row.name == wanted) return &row;
  return nullptr;
}

bool ObjectClass::is_a(std::string_view type_name) const {
  for (const ObjectClass* k = this; k != nullptr; k = k->parent)
    if (k->name == type_name) return true;
  return false;
}

Object::~Object() {
  // The youngest first: what was made later may use what was made earlier.
  while (!children_.empty()) {
    const std::unique_ptr<Object> child = std::move(children_.back());
    children_.pop_back();
  }
}

void Object::find_class() const {
  class_ = TypeRegistry::instance().class_of(typeid(*this));
  if (class_ == nullptr)
    throw Error::of("the C++ class {} is not registered as a type", typeid(*this).name());
}

Object& Object::add_child(std::string name, std::unique_ptr<Object> child) {
  assert(child != nullptr && child->parent_ == nullptr);
  if (name.ends_with("[*]")) name = numbered(*this, name);
  for (const auto& present : children_)
    if (present->child_name_ == name)
      throw Error::of("{} already has a child called '{}'", path(), name);
  child->parent_ = this;
  child->child_name_ = std::move(name);
  return *children_.emplace_back(std::move(child));
}

std::unique_ptr<Object> Object::remove_child(Object& child) {
  const auto at = std::find_if(children_.begin(), children_.end(),
                               [&](const auto& present) { return present.get() == &child; });
  if (at == children_.end()) return nullptr;
  std::unique_ptr<Object> owned = std::move(*at);
  children_.erase(at);
  owned->parent_ = nullptr;
  owned->child_name_.clear();
  return owned;
}

std::string Object::path() const {
  if (parent_ == nullptr) return "/";
  const std::string above = parent_->path();
  return above == "/" ? above + child_name_ : above + "/" + child_name_;
}

Object* Object::find(std::string_view path) {
  Object* at = this;
  if (path.starts_with('/'))
    while (at->parent_ != nullptr) at = at->parent_;
  while (at != nullptr && !path.empty()) {
    const std::size_t slash = path.find('/');
    const std::string_view step = path.substr(0, slash);
    path.remove_prefix(slash == std::string_view::npos ? path.size() : slash + 1);
    if (step.empty()) continue;
    Object* next = nullptr;
    for (const auto& child : at->children_)
      if (child->child_name_ == step) next = child.get();
    at = next;
  }
  return at;
}

const Property& Object::require_property(std::string_view name) const {
  const ObjectClass& k = object_class();
  if (const Property* row = k.find_property(name)) return *row;
  if (k.properties.empty())
    throw Error::of("{}.{}: no such property; {} has none", k.name, name, k.name);
  throw Error::of("{}.{}: no such property; there are: {}", k.name, name,
                  OwnText{property_names(k)});
}

void Object::set_value(std::string_view name, const Value& value) {
  const Property& row = require_property(name);
  if (row.set == nullptr) throw Error::of("{}.{}: this property is read-only", type_name(), name);
  try {
    row.set(*this, row, value);
  } catch (const Error& error) {
    throw error.in(fmt::format("{}.{}: '{}'", type_name(), name, property_text(kAnything, value)));
  }
}

Value Object::get_value(std::string_view name) const {
  const Property& row = require_property(name);
  return row.get == nullptr ? Value() : row.get(*this, row);
}

std::string Object::get_property(std::string_view name) const {
  return property_text(*require_property(name).shape, get_value(name));
}

std::vector<PropertyDescription> describe_properties(const ObjectClass& k) {
  const std::unique_ptr<Object> sample =
      k.abstract ? nullptr : TypeRegistry::instance().create(k.name);
  std::vector<PropertyDescription> rows;
  for (const Property& row : k.properties)
    rows.push_back({row.name, row.type_name, row.description, row.shape,
                    sample != nullptr && row.get != nullptr ? row.get(*sample, row) : Value(),
                    row.set == nullptr});
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return rows;
}

namespace detail {

Object* resolve_link(Object& from, std::string_view path) {
  Object* root = &from;
  while (root->parent() != nullptr) root = root->parent();
  return path.empty() ? nullptr : root->find(path);
}

}  // namespace detail

}  // namespace backplane
