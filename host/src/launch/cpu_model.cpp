// SPDX-License-Identifier: MIT
#include "launch/cpu_model.h"

#include <fmt/ranges.h>

#include "backplane/module.h"
#include "help/type_help.h"

namespace backplane::host {

std::string cpu_type_of(const std::string& model) {
  std::vector<std::string> names;
  for (const CpuModel& known : cpu_models()) {
    if (known.name == model) return known.type;
    names.push_back(known.name);
  }
  if (names.empty()) throw Error::of("{}: no CPU models are installed", model);
  throw Error::of("{}: no such CPU model; there are: {}", model, fmt::join(names, ", "));
}

const ObjectClass& find_cpu_class(const std::string& model) {
  const ObjectClass* found = class_by_name(cpu_type_of(model));
  if (found == nullptr) throw Error::of("{}: no such CPU model", model);
  return *found;
}

}  // namespace backplane::host
