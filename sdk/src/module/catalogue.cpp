// SPDX-License-Identifier: MIT
#include "backplane/catalogue.h"

#include <fmt/ranges.h>

#include "backplane/options.h"

namespace backplane {

namespace {

// As many names as a message may list.
constexpr std::size_t kMostListed = 8;

// Files that do not say what they have, and so might have had it.
std::string unread_files() {
  std::string text;
  std::size_t unnamed = 0;
  for (const ModuleRecord& record : ModuleIndex::instance().records()) {
    if (record.state != ModuleState::Refused || !record.types.empty()) continue;
    if (text.empty())
      text = fmt::format("{}: {}", record.path.string(), record.reason);
    else
      ++unnamed;
  }
  if (unnamed != 0) text += fmt::format("; so are {} more, see -module help", unnamed);
  return text.empty() ? text : "refused is " + text;
}

// The types that a name may stand for, in the order in which they are looked for.
std::vector<std::string> types_of(const Kind& kind, std::string_view name) {
  std::vector<std::string> types{kind.type_name(name)};
  if (!kind.understood.empty())
    types.push_back(kind.type_name(fmt::format("{}{}", name, kind.understood)));
  return types;
}

Error not_found(const Kind& kind, std::string_view name) {
  for (const std::string& type : types_of(kind, name))
    if (const KnownModule* const known = known_provider_of(type))
      return Error::of("{} {} is not installed: it is in module {}, package {}", kind.noun, name,
                       known->module, known->package);
  std::vector<std::string> names;
  for (const CatalogueEntry& entry : catalogue(kind)) names.push_back(entry.name);
  const std::vector<std::string> near = nearest_names(kind.user_name(name), names);
  const std::string unread = unread_files();
  if (!kind.unknown.empty()) {
    Error error = Error::of("{} {}", kind.unknown, name);
    if (!near.empty())
      return std::move(error).with_hint(fmt::format("did you mean {}?", fmt::join(near, " or ")));
    return std::move(error).with_hint(unread);
  }
  const auto says = [&](const std::string& instead) {
    return Error::of("{}: no installed module has such a {}; {}", name, kind.noun, OwnText{instead})
        .with_hint(unread);
  };
  if (!near.empty()) return says(fmt::format("near to it: {}", fmt::join(near, ", ")));
  if (!names.empty() && names.size() <= kMostListed)
    return says(fmt::format("there are: {}", fmt::join(names, ", ")));
  return says(fmt::format("{} help lists those there are", kind.option));
}

Error abstract_type(const Kind& kind, const ObjectClass& type) {
  Error error = Error::of("'{}' is an abstract type, which no {} can have",
                          kind.user_name(type.name), kind.noun);
  std::vector<std::string> names;
  for (const ModuleIndex::TypeListing& below : ModuleIndex::instance().list_types(type.name))
    if (!below.abstract && !below.board_only) names.emplace_back(kind.user_name(below.name));
  if (names.empty() || names.size() > kMostListed)
    return std::move(error).with_hint(fmt::format("{} help lists those there are", kind.option));
  return std::move(error).with_hint(fmt::format("types made from it: {}", fmt::join(names, ", ")));
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
  const ObjectClass* found = nullptr;
  for (const std::string& type : types_of(kind, name))
    if (found == nullptr) found = class_by_name(type);
  if (found == nullptr) throw not_found(kind, name);
  if (!found->is_a(kind.base)) throw Error::of("{} is not a {}", name, kind.noun);
  if (found->abstract) throw abstract_type(kind, *found);
  return *found;
}

}  // namespace backplane
