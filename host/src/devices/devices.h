// SPDX-License-Identifier: MIT
// -device and -global.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backplane/accelerator.h"
#include "backplane/device.h"
#include "backplane/options.h"

namespace backplane {
class Machine;
}

namespace backplane::host {

using Properties = std::vector<std::pair<std::string, std::string>>;

// What a -drive says of the device that names it.
struct DriveUse {
  Properties properties;
  bool is_empty = false;  // a CD drive without a disc, which goes by that name
};

// Carries out one -device; the first, unnamed value is "driver". `of_drives` is what the -drive
// that it names with drive= says of it, by that one's id; what the device itself is told comes
// first. Throws Error.
void add_device(Machine& machine, KeyValueList values,
                const std::map<std::string, DriveUse>& of_drives);

// A device that another option stands for: the disk of a -drive, the card of a -nic.
struct ImpliedDevice {
  std::string given;  // the option
  std::string driver;
  Properties properties;
  std::string bus = {};  // empty: wherever there is room
};
// Adds it. Throws Error, which begins with the option.
void add_device(Machine& machine, const ImpliedDevice& device);

// "TYPE.PROPERTY=VALUE". Throws Error.
CompatProperty parse_global(std::string_view text);
// Applies one -global to every device made from now on. Throws Error.
void add_global(Machine& machine, const GivenOption& option);
// One line for each -global that no device took, once all devices are there.
void warn_of_unused_globals(const Machine& machine);

}  // namespace backplane::host
