// SPDX-License-Identifier: MIT
// The host bridge by ACPI: what of memory and I/O space is PCI's.
#include "acpi/aml.h"
#include "i440fx/i440fx.h"

namespace backplane::pc {

using namespace aml;

Bytes I440fxHostBridge::acpi_terms() const {
  // Firmware may begin with BARs where RAM ends.
  const u64 low = (map_.low_ram() + 1_MiB - 1) & ~(1_MiB - 1);
  const u64 high = map_.pci_memory64_start();
  return device("PCI0", join({
                            name("_HID", eisa_id("PNP0A03")),
                            name("_ADR", integer(0)),
                            name("_UID", integer(0)),
                            name("_CRS", resource_template({
                                             bus_numbers(0, 0xff),
                                             io_ports(0xcf8, 8),
                                             io_window(0x0000, 0x0cf7),
                                             io_window(0x0d00, 0xffff),
                                             memory_window(kVideoStart, kVideoEnd - 1, true),
                                             memory_window(low, kPciMemoryEnd - 1, false),
                                             memory_window64(high, high + kPciMemory64Size - 1),
                                         })),
                            acpi_terms_on(pci_bus()),
                        }));
}

}  // namespace backplane::pc
