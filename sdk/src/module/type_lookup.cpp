// SPDX-License-Identifier: MIT
// Types by name, whether they are in the process or in a module that is not loaded yet.
#include <map>

#include "backplane/module.h"

namespace backplane {

namespace {

using TypeListing = ModuleIndex::TypeListing;
using Listings = std::map<std::string, TypeListing, std::less<>>;

TypeListing listing_of(const TypeInfo& type, const ModuleRecord* module) {
  TypeListing listing;
  listing.name = type.name;
  listing.parent = type.parent == nullptr ? "" : type.parent;
  listing.description = type.about.description;
  listing.bus = type.about.bus;
  listing.category = type.about.category;
  listing.abstract = type.abstract;
  listing.board_only = type.about.board_only;
  listing.module = module;
  return listing;
}

TypeListing listing_of(const ModuleRecord::Type& type, const ModuleRecord& module,
                       std::string unavailable) {
  TypeListing listing;
  listing.name = type.name;
  listing.parent = type.parent;
  listing.description = type.description;
  listing.bus = type.bus;
  listing.category = type.category;
  listing.abstract = type.abstract;
  listing.board_only = type.board_only;
  listing.module = &module;
  listing.unavailable = std::move(unavailable);
  return listing;
}

// Every type that is registered or that a module says it has.
Listings all_types(const ModuleIndex& index) {
  Listings types;
  for (const TypeInfo* type : TypeRegistry::instance().types())
    types.try_emplace(type->name, listing_of(*type, index.provider_of(type->name)));
  for (const ModuleRecord& module : index.records()) {
    std::string unavailable = index.unavailable_reason(module);
    for (const ModuleRecord::Type& type : module.types)
      if (index.provider_of(type.name) == &module)
        types.try_emplace(type.name, listing_of(type, module, unavailable));
  }
  return types;
}

// Follows the parents up to `base`, inheriting on the way; false if `base` is not among them.
bool inherit_up_to(std::string_view base, const Listings& types, TypeListing& listing) {
  const TypeListing* at = &listing;
  bool found = false;
  for (std::size_t steps = 0; at != nullptr && steps <= types.size(); ++steps) {
    if (at->name == base) found = true;
    if (listing.bus.empty()) listing.bus = at->bus;
    if (listing.category.empty()) listing.category = at->category;
    listing.board_only |= at->board_only;
    const auto parent = types.find(at->parent);
    at = parent == types.end() ? nullptr : &parent->second;
  }
  return found;
}

}  // namespace

std::vector<TypeListing> ModuleIndex::list_types(std::string_view base) const {
  const Listings types = all_types(*this);
  std::vector<TypeListing> found;
  for (const auto& [name, type] : types) {
    TypeListing listing = type;
    if (inherit_up_to(base, types, listing)) found.push_back(std::move(listing));
  }
  return found;
}

const ObjectClass* class_by_name(std::string_view type) {
  TypeRegistry& registry = TypeRegistry::instance();
  if (const ObjectClass* k = registry.class_of(type)) return k;
  ModuleIndex& index = ModuleIndex::instance();
  const ModuleRecord* module = index.provider_of(type);
  if (module == nullptr) return nullptr;
  if (const std::string reason = index.unavailable_reason(*module); !reason.empty())
    throw Error(reason);
  index.load(module->name);
  return registry.class_of(type);
}

}  // namespace backplane
