// SPDX-License-Identifier: MIT
// What a device says of itself by ACPI: where an operating system finds it only if it is told.
#pragma once

#include "acpi/aml.h"
#include "backplane/machine.h"

namespace backplane::pc {

// Implemented beside a device's type, in the device's folder. Machine lock.
class AcpiDescribed {
 public:
  virtual ~AcpiDescribed() = default;
  // Terms for the scope of the device whose bus it is on (for \_SB, if it is on none): its device
  // object, with what is on its own buses inside. Valid while it is realized.
  virtual aml::Bytes acpi_terms() const = 0;
};

// Of the devices on a bus, in the order in which they came.
aml::Bytes acpi_terms_on(const Bus& bus);
// Of the board's own devices that are on no bus.
aml::Bytes acpi_terms_of_board(Machine& machine);

}  // namespace backplane::pc
