// SPDX-License-Identifier: MIT
#include "backplane/machine.h"
#include "backplane/module.h"

namespace backplane {

namespace {

const MachineClass* as_machine(const ObjectClass* found) {
  if (found == nullptr || !found->is_a(Machine::kTypeName) || found->abstract) return nullptr;
  return static_cast<const MachineClass*>(found);
}

}  // namespace

const MachineClass* machine_find(std::string_view name) {
  if (const MachineClass* const found = as_machine(class_by_name(std::string(name) + "-machine")))
    return found;
  // An alias is known to the class alone: look at all that can be had.
  for (const ModuleIndex::TypeListing& listing :
       ModuleIndex::instance().list_types(Machine::kTypeName)) {
    if (!listing.unavailable.empty()) continue;
    const MachineClass* const found = as_machine(class_by_name(listing.name));
    if (found != nullptr && !found->alias.empty() && found->alias == name) return found;
  }
  return nullptr;
}

}  // namespace backplane
