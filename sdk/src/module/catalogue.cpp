// SPDX-License-Identifier: MIT
#include "backplane/catalogue.h"

#include <fmt/ranges.h>

#include "backplane/options.h"

namespace backplane {

namespace {

Error not_found(const Kind& kind, std::string_view name) {
  if (const KnownModule* const known = known_provider_of(kind.type_name(name)))
    return Error::of("{} is not installed: it is in module {}, package {}", name, known->module,
                     known->package);
  std::vector<std::string> names;
  for (const CatalogueEntry& entry : catalogue(kind)) names.push_back(entry.name);
  const std::vector<std::string> near = nearest_names(name, names);
  if (!near.empty())
    return Error::of("{}: no installed module has such a {}; near to it: {}", name, kind.noun,
                     fmt::join(near, ", "));
  return Error::of("{}: no installed module has such a {}; {} help lists those there are", name,
                   kind.noun, kind.option);
}

}  // namespace

std::string Kind::type_name(std::string_view name) const {
  return fmt::format("{}{}{}", prefix, name, suffix);
}

std::string_view Kind::user_name(std::string_view type_name) const {
  if (type_name.size() <= prefix.size() + suffix.size() || !type_name.starts_with(prefix) ||
      !type_name.ends_with(suffix))
    return type_name;
  type_name.remove_prefix(prefix.size());
  type_name.remove_suffix(suffix.size());
  return type_name;
}

std::vector<CatalogueEntry> catalogue(const Kind& kind) {
  std::vector<CatalogueEntry> entries;
  for (ModuleIndex::TypeListing& listing : ModuleIndex::instance().list_types(kind.base))
    if (!listing.abstract)
      entries.push_back({std::string(kind.user_name(listing.name)), std::move(listing)});
  return entries;
}

const ObjectClass& class_of_kind(const Kind& kind, std::string_view name) {
  const ObjectClass* const found = class_by_name(kind.type_name(name));
  if (found == nullptr) throw not_found(kind, name);
  if (!found->is_a(kind.base)) throw Error::of("{} is not a {}", name, kind.noun);
  if (found->abstract)
    throw Error::of("{} is an abstract type, which no {} can have; {} help lists those there are",
                    name, kind.noun, kind.option);
  return *found;
}

}  // namespace backplane
