// SPDX-License-Identifier: MIT
// Which accelerators to try, in which order: what the command line says, before anything is
// looked for or loaded.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backplane/options.h"
#include "options/machine_options.h"

namespace backplane::host {

// One accelerator to try.
struct AccelCandidate {
  std::string name;                                             // "tcg"
  std::vector<std::pair<std::string, std::string>> properties;  // to be set on it
  bool required = false;  // if it fails, no other one is tried
  std::string given;      // the option it comes from ("-accel tcg"); empty: a default
};

// The candidates in order: those of -accel, else those of -machine accel= (or -enable-kvm), else
// the defaults of the program's name that are `installed`, which may be none. One that is named
// twice in the same way is there once. Throws Error: both
// forms given, a list without a name.
std::vector<AccelCandidate> plan_accelerators(
    const CommandLine& line, const MachineOptions& machine, std::string_view program_name,
    const std::function<bool(const std::string&)>& installed);

}  // namespace backplane::host
