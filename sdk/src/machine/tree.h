// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#include "backplane/object.h"

namespace backplane {

// Every object of type T in the tree below root (root itself not), parents before children.
template <class T>
std::vector<T*> objects_below(const Object& root) {
  std::vector<T*> found;
  for (const auto& child : root.children()) {
    if (auto* const object = dynamic_cast<T*>(child.get())) found.push_back(object);
    for (T* const below : objects_below<T>(*child)) found.push_back(below);
  }
  return found;
}

}  // namespace backplane
