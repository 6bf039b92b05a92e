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

namespace backplane::host {

struct Configuration;

// One accelerator to try.
struct AccelCandidate {
  std::string name;                                             // "tcg"
  std::vector<std::pair<std::string, std::string>> properties;  // to be set on it
  bool required = false;  // if it fails, no other one is tried
  std::string given;      // the option it comes from ("-accel tcg"); empty: a default
};

// What the options say of them.
struct AcceleratorOptions {
  std::vector<AccelCandidate> named;  // by -accel
  // What options of their own set of the accelerator that translates.
  struct Setting {
    std::string property;
    const GivenOption* option;
  };
  std::vector<Setting> of_translator;
};

// -accel: one more, unless one like it is there. Throws Error.
void add_accelerator(Configuration& configuration, const GivenOption& option);
// An option that sets a property of the accelerator that translates.
void set_of_translator(Configuration& configuration, const GivenOption& option,
                       std::string_view property);

// The candidates in order: those of -accel, else those of -machine accel= (or -enable-kvm), else
// the defaults of the program's name that are `installed`, which may be none. One that is named
// twice in the same way is there once. Throws Error: both
// forms given, a list without a name.
std::vector<AccelCandidate> plan_accelerators(
    const Configuration& asked, std::string_view program_name,
    const std::function<bool(const std::string&)>& installed);

}  // namespace backplane::host
