// SPDX-License-Identifier: MIT
// CPU models, as -cpu names them: what derives from an architecture's type, named without it ("max"
// for max-x86-cpu below x86-cpu). Nothing is loaded to know which there are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backplane/catalogue.h"

namespace backplane::host {

// The models of one architecture.
struct CpuModels {
  std::string base;    // "x86-cpu"
  std::string suffix;  // "-x86-cpu"

  Kind kind() const {
    return {.base = base, .prefix = {}, .suffix = suffix, .noun = "CPU model", .option = "-cpu"};
  }
};

// Those of each architecture that is installed.
std::vector<CpuModels> cpu_models();

// The class of a model, its module loaded. Throws Error as class_of_kind() does.
const ObjectClass& find_cpu_class(std::string_view model);

}  // namespace backplane::host
