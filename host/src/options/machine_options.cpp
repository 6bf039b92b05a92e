// SPDX-License-Identifier: MIT
#include "options/machine_options.h"

#include "options/accepted_options.h"
#include "report.h"

namespace backplane::host {

MachineOptions machine_options(const CommandLine& line) {
  MachineOptions machine;
  for (const GivenOption& option : line.all()) {
    if (option.name() == "enable-kvm") machine.accelerators = {"kvm", option.text};
    if (option.name() != "machine") continue;
    for (const KeyValue& item : option.list()) {
      if (item.key == "type") {
        machine.type = item.value;
        machine.given = option.text;
      } else if (item.key == "accel") {
        machine.accelerators = {item.value, option.text};
      } else if (item.key == "dump-guest-core") {
        with_option(option.text,
                    [&] { machine.dump_guest_core = PropertyTraits<bool>::parse(item.value); });
      } else if (!is_so_of_machines(item.key, item.value)) {
        machine.properties.push_back({item.key, item.value, option.text});
      }
    }
  }
  return machine;
}

}  // namespace backplane::host
