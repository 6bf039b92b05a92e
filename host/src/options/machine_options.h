// SPDX-License-Identifier: MIT
// -machine, given once or several times: later options add to earlier ones and override them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backplane/options.h"

namespace backplane::host {

struct MachineOptions {
  std::string type = "pc";
  std::string given;  // the option that named the type, or empty
  // What is to be set on the machine, in order, each with the option it comes from.
  struct Property {
    std::string name;
    std::string value;
    std::string given;
  };
  std::vector<Property> properties;
  bool dump_guest_core = true;  // the host's core dumps of this program have the guest's RAM
  // accel=A:B, or -enable-kvm, which stands for accel=kvm; the later one counts.
  struct Accelerators {
    std::string names;
    std::string given;
  };
  std::optional<Accelerators> accelerators;
};

struct Configuration;

// -machine and what else says something of the machine. Each throws Error.
void set_machine(Configuration& configuration, const GivenOption& option);
void set_memory(Configuration& configuration, const GivenOption& option);
// -boot, as the board's properties. Throws Error.
void set_boot(Configuration& configuration, const GivenOption& option);
// A property of the board that an option of its own sets.
void set_on_board(Configuration& configuration, const GivenOption& option,
                  std::string_view property);

}  // namespace backplane::host
