// SPDX-License-Identifier: MIT
// Kinds of types that users choose from by name: devices, machines, accelerators, backends.
#pragma once

#include <string>
#include <string_view>

namespace backplane {

// A family of types that one option chooses from; what it refers to must outlive it. catalogue.h
// says what is installed of a kind, and finds the type that a name stands for.
struct Kind {
  std::string_view base;    // the abstract type that all of them derive from: "netdev"
  std::string_view prefix;  // of a type's name, left out by users: "net-user" is called "user"
  std::string_view suffix;  // the same at the end
  std::string_view noun;    // in messages: "network backend"
  std::string_view option;  // "-netdev": "-netdev help" lists them
  // What is said of a name that nothing has, in front of it, where other programs read that.
  std::string_view unknown = {};
  // What users may leave out at the end where nothing has the shorter name.
  std::string_view understood = {};

  std::string type_name(std::string_view name) const;
  // What users call a type; the type's own name if it is not named after the kind.
  std::string_view user_name(std::string_view type_name) const;
};

}  // namespace backplane
