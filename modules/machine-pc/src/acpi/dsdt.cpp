// SPDX-License-Identifier: MIT
#include "acpi/dsdt.h"

#include <string>

#include "board/interrupt_controllers.h"
#include "board/pci_resources.h"
#include "board/piix3.h"
#include "chips/acpi_pm.h"
#include "chips/hpet.h"
#include "isa/fw_cfg_io.h"
#include "isa/serial.h"

namespace backplane::pc {

namespace {

using namespace aml;

constexpr unsigned kPirqs = PciIrqRouter::kPirqs;

std::string link_name(unsigned pirq) { return std::string("LNK") + static_cast<char>('A' + pirq); }
std::string route_field(unsigned pirq) {
  return std::string("PRQ") + static_cast<char>('A' + pirq);
}

// _PRT packages for every slot and pin. In APIC mode a PIRQ is a global interrupt of its own; with
// the 8259 it is a link device. [ACPI 6.4 6.2.13 "_PRT (PCI Routing Table)"]
Bytes routing_table(const PciIrqRouter& wiring, bool apic) {
  std::vector<Bytes> entries;
  // Slot 0 is the host bridge.
  for (unsigned slot = 1; slot < PciBus::kSlots; ++slot)
    for (unsigned pin = 0; pin < 4; ++pin) {
      const unsigned pirq = wiring.route(slot, pin);
      entries.push_back(
          package({integer(u64{slot} << 16 | 0xffff), integer(pin),
                   apic ? integer(0) : path("\\_SB." + link_name(pirq)),
                   apic ? integer(InterruptControllers::kFirstPirqPin + pirq) : integer(0)}));
    }
  return package(entries);
}

// A PIRQ as the operating system may route it to an 8259 input.
Bytes link_device(unsigned pirq) {
  const Bytes route = path("\\_SB.PCI0.ISA." + route_field(pirq));
  const u64 disabled = Piix3::kRouteDisabled;
  // The interrupt's bit mask is the word at offset 1 of the descriptor.
  const Bytes current = join({
      name("BUFF", resource_template({level_irqs({})})),
      create_word_field(path("BUFF"), 1, "IRQM"),
      if_(equal(and_(route, integer(disabled)), integer(0)),
          shift_left(integer(1), route, path("IRQM"))),
      return_(path("BUFF")),
  });
  return device(link_name(pirq),
                join({
                    name("_HID", eisa_id("PNP0C0F")),
                    name("_UID", integer(pirq + 1)),
                    name("_PRS", resource_template({level_irqs({5, 10, 11})})),
                    method("_STA", 0,
                           join({if_(and_(route, integer(disabled)), return_(integer(0x09))),
                                 return_(integer(0x0b))})),
                    method("_DIS", 0, or_(route, integer(disabled), route)),
                    method("_CRS", 0, current),
                    method("_SRS", 1,
                           join({create_word_field(arg(0), 1, "IRQM"),
                                 find_set_right_bit(path("IRQM"), local(0)),
                                 if_(local(0), subtract(local(0), integer(1), route))})),
                }));
}

Bytes serial_port(unsigned index) {
  const IsaSerial::Location place = IsaSerial::location(index);
  return device(std::string("COM") + static_cast<char>('1' + index),
                join({
                    name("_HID", eisa_id("PNP0501")),
                    name("_UID", integer(index + 1)),
                    name("_STA", integer(0x0f)),
                    name("_CRS", resource_template({io_ports(place.base, 8), irq(place.irq)})),
                }));
}

Bytes isa_bridge(const AcpiBoard& board) {
  std::vector<Bytes> ports;
  for (const unsigned index : board.serials) ports.push_back(serial_port(index));
  return device("ISA",
                join({
                    name("_ADR", integer(1 << 16)),
                    operation_region("PIRR", Space::PciConfig, Piix3::kRouteControl, kPirqs),
                    byte_field("PIRR", {{"PRQA", 8}, {"PRQB", 8}, {"PRQC", 8}, {"PRQD", 8}}),
                    device("RTC", join({
                                      name("_HID", eisa_id("PNP0B00")),
                                      name("_CRS", resource_template({io_ports(0x70, 2), irq(8)})),
                                  })),
                    join(ports),
                }));
}

Bytes host_bridge(const AcpiBoard& board) {
  // Firmware may begin with BARs where RAM ends.
  const u64 low = (board.memory.low_ram() + 1_MiB - 1) & ~(1_MiB - 1);
  const u64 high = board.memory.pci_memory64_start();
  return device(
      "PCI0", join({
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
                  name("PRTA", routing_table(*board.pci_wiring, true)),
                  name("PRTP", routing_table(*board.pci_wiring, false)),
                  method("_PRT", 0,
                         join({if_(path("\\PICF"), return_(path("PRTA"))), return_(path("PRTP"))})),
                  isa_bridge(board),
              }));
}

Bytes hpet() {
  return device("HPET", join({
                            name("_HID", eisa_id("PNP0103")),
                            name("_UID", integer(0)),
                            name("_STA", integer(0x0f)),
                            name("_CRS", resource_template({fixed_memory(
                                             Hpet::kDefaultAddress, Hpet::kWindowSize, false)})),
                        }));
}

Bytes fw_cfg() {
  return device("FWCF",
                join({
                    name("_HID", string("QEMU0002")),
                    name("_STA", integer(0x0b)),
                    name("_CRS", resource_template({io_ports(FwCfgIo::kBase, FwCfgIo::kPorts)})),
                }));
}

}  // namespace

Bytes build_dsdt(const AcpiBoard& board) {
  Bytes links;
  for (unsigned pirq = 0; pirq < kPirqs; ++pirq) links = join({links, link_device(pirq)});
  const Bytes soft_off = integer(AcpiPm::kSoftOffType);
  return join({
      name("\\PICF", integer(0)),
      method("\\_PIC", 1, store(arg(0), path("\\PICF"))),
      scope("\\_SB", join({host_bridge(board), links, hpet(), fw_cfg()})),
      name("\\_S5", package({soft_off, soft_off, integer(0), integer(0)})),
  });
}

}  // namespace backplane::pc
