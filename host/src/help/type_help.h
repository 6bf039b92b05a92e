// SPDX-License-Identifier: MIT
// -accel help, -M help, -cpu help, -netdev help: the types of a kind that modules offer. Nothing is
// loaded where metadata is enough.
#pragma once

#include <string>
#include <vector>

#include "backplane/catalogue.h"

namespace backplane::host {

// Each installed accelerator, its module's file, and whether it can be used here. Accelerators
// are loaded to be asked.
std::string accelerator_help();

std::string machine_help();

// The types of a kind of backends.
std::string backend_help(const Kind& kind);

// CPU models, as -cpu takes them: the name of a type below "cpu", without the name of the
// architecture's type ("max" for max-x86-cpu below x86-cpu).
struct CpuModel {
  std::string name;
  std::string type;
  std::string description;
  std::string unavailable;  // why, or empty
};
std::vector<CpuModel> cpu_models();
std::string cpu_help();

}  // namespace backplane::host
