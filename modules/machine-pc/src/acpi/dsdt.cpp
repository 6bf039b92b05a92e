// SPDX-License-Identifier: MIT
#include "acpi/dsdt.h"

#include "acpi/described.h"
#include "piix4_pm/acpi_pm.h"

namespace backplane::pc {

using namespace aml;

Bytes build_dsdt(Machine& machine) {
  const Bytes soft_off = integer(AcpiPm::kSoftOffType);
  return join({
      name("\\PICF", integer(0)),
      method("\\_PIC", 1, store(arg(0), path("\\PICF"))),
      scope("\\_SB", acpi_terms_of_board(machine)),
      name("\\_S5", package({soft_off, soft_off, integer(0), integer(0)})),
  });
}

}  // namespace backplane::pc
