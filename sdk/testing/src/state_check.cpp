// SPDX-License-Identifier: MIT
#include "backplane/testing/state_check.h"

#include "backplane/object.h"

namespace backplane::testing {

std::vector<std::string> types_without_state() {
  std::vector<std::string> names;
  for (const char* const base : {"device", "bus", "machine"})
    for (const ObjectClass* const k : TypeRegistry::instance().list(base))
      if (!k->abstract && !k->says_state) names.push_back(k->name);
  return names;
}

}  // namespace backplane::testing
