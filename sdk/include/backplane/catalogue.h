// SPDX-License-Identifier: MIT
// What there is of a kind: one place says how a name becomes a type, what is installed, and what to
// answer when a name leads nowhere.
//
// Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backplane/kind.h"
#include "backplane/module.h"

namespace backplane {

// One type of a kind, as listings show it. Nothing is loaded to know it.
struct CatalogueEntry {
  std::string name;  // as users write it
  ModuleIndex::TypeListing type;
};

// What is installed of a kind, sorted by name; abstract types are left out.
std::vector<CatalogueEntry> catalogue(const Kind& kind);

// The class that a name stands for; its module is loaded if needed, and no other one. Throws Error:
// nothing installed has it (with the package that would bring it, or what there is instead), it
// cannot be used (with the file and the cure), it is of another kind, or abstract.
const ObjectClass& class_of_kind(const Kind& kind, std::string_view name);
// The same, where all types of the kind have a class of their own sort (DeviceClass, AccelClass).
template <class Class>
const Class& class_of_kind(const Kind& kind, std::string_view name) {
  return static_cast<const Class&>(class_of_kind(kind, name));
}

}  // namespace backplane
