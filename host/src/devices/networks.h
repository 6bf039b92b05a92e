// SPDX-License-Identifier: MIT
// Networks of the command line: -netdev makes a backend, -nic one with a device on it.
#pragma once

#include <vector>

#include "backplane/backend.h"
#include "backplane/machine.h"
#include "devices/devices.h"
#include "options/configuration.h"

namespace backplane::host {

// -net, of which there is none alone. Throws Error.
void set_no_network(Configuration& configuration, const GivenOption& option);

// Makes the backends of -netdev and -nic, and of the card that a machine has where neither was
// given; returns the devices that -nic stands for, to be added with the others. Throws Error.
// Machine lock.
std::vector<ImpliedDevice> open_networks(Backends& backends, const Machine& machine,
                                         const Configuration& asked);

}  // namespace backplane::host
