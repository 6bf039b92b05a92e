// SPDX-License-Identifier: MIT
#include "options/machine_options.h"

#include "options/accepted_options.h"
#include "options/configuration.h"
#include "options/machine_size.h"
#include "report.h"

namespace backplane::host {

void set_machine(Configuration& configuration, const GivenOption& option) {
  MachineOptions& machine = configuration.machine;
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

void set_memory(Configuration& configuration, const GivenOption& option) {
  configuration.ram_size =
      with_values(option, [](KeyValueList values) { return parse_memory(std::move(values)); });
}

void set_on_board(Configuration& configuration, const GivenOption& option,
                  std::string_view property) {
  configuration.board[std::string(property)] = {option.value, &option};
}

}  // namespace backplane::host
