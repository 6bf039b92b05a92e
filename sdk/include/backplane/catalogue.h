// SPDX-License-Identifier: MIT
// What users choose from by name: kinds of types (devices, network backends, ...), each with the
// option that names them. One place says how a name becomes a type, what is installed of a kind,
// and what to answer when a name leads nowhere.
//
// Any thread.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backplane/module.h"

namespace backplane {

// A family of types that one option chooses from. Static storage.
struct Kind {
  std::string_view base;    // the abstract type that all of them derive from: "netdev"
  std::string_view prefix;  // of a type's name, left out by users: "net-user" is called "user"
  std::string_view suffix;  // the same at the end
  std::string_view noun;    // in messages: "network backend"
  std::string_view option;  // "-netdev": "-netdev help" lists them

  std::string type_name(std::string_view name) const;
  // What users call a type; the type's own name if it is not named after the kind.
  std::string_view user_name(std::string_view type_name) const;
};

// One type of a kind, as listings show it. Nothing is loaded to know it.
struct CatalogueEntry {
  std::string name;  // as users write it
  ModuleIndex::TypeListing type;
};

// What is installed of a kind, sorted by name; abstract types are left out.
std::vector<CatalogueEntry> catalogue(const Kind& kind);

// The class that a name stands for; its module is loaded if needed. Throws Error: nothing installed
// has it (with the package that would bring it, or names near to it), it cannot be used (with the
// file and the cure), it is of another kind, or abstract.
const ObjectClass& class_of_kind(const Kind& kind, std::string_view name);

}  // namespace backplane
