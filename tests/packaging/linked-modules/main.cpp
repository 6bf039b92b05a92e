// SPDX-License-Identifier: MIT
// Prints the modules' states and what their types answer; the argument is the module directory.
#include <backplane/module.h>

#include <cstdio>

#include "base.h"

using namespace backplane;

int main(int, char** argv) {
  try {
    ModuleIndex& index = ModuleIndex::instance();
    index.add_path(argv[1]);
    for (const char* type : {"base", "linked-thing", "loaded-thing"}) {
      const ObjectClass* k = class_by_name(type);
      const ModuleRecord* module = index.provider_of(type);
      if (k == nullptr || module == nullptr) throw Error::of("nothing provides {}", type);
      fmt::print("{} {} {}\n", type, to_string(module->state), create_object<Base>(type)->answer());
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  return 0;
}
