// SPDX-License-Identifier: MIT
// Character devices of the command line: -chardev makes a backend; -serial one with a port on it;
// -monitor one with a monitor, -qmp one with QMP; -mon puts either on one that is there.
#pragma once

#include <string>
#include <vector>

#include "backplane/backend.h"
#include "backplane/machine.h"
#include "devices/devices.h"
#include "options/configuration.h"

namespace backplane::host {

struct Consoles {
  std::vector<ImpliedDevice> serials;  // to be added with the other devices
  // Where monitors are to be, once the serial ports are there: the first user of a terminal that is
  // shared has it first.
  struct Terminal {
    std::string given;    // the option
    std::string chardev;  // the backend's id
    std::string name;     // of the monitor in the tree; empty: the next free one
  };
  std::vector<Terminal> monitors;
  std::vector<Terminal> controls;  // the same for QMP
};

// Makes the backends. Throws Error. Machine lock.
Consoles open_consoles(Backends& backends, const Machine& machine, const Configuration& asked);

}  // namespace backplane::host
