// SPDX-License-Identifier: MIT
#include "launch/machine_class.h"

#include <fmt/ranges.h>

#include "backplane/module.h"

namespace backplane::host {

const MachineClass& find_machine_class(const std::string& name) {
  if (const MachineClass* found = machine_find(name)) return *found;
  if (const KnownModule* known = known_provider_of(name + "-machine"))
    throw Error::of("machine {} is not installed: it is in module {}, package {}", name,
                    known->module, known->package);
  std::vector<std::string> names;
  constexpr std::string_view kSuffix = "-machine";
  for (const auto& listing : ModuleIndex::instance().list_types("machine"))
    if (!listing.abstract && listing.name.ends_with(kSuffix))
      names.push_back(listing.name.substr(0, listing.name.size() - kSuffix.size()));
  if (names.empty()) throw Error::of("{}: no machines are installed", name);
  throw Error::of("{}: no such machine; there are: {}", name, fmt::join(names, ", "));
}

}  // namespace backplane::host
