// SPDX-License-Identifier: MIT
// The bridge by ACPI: the ISA devices behind it, and where PCI's interrupts go.
#include <string>

#include "interrupts/interrupt_controllers.h"
#include "piix3/piix3.h"

namespace backplane::pc {

namespace {

using namespace aml;

constexpr unsigned kPirqs = PciIrqRouter::kPirqs;

// Where the bridge's own names are.
constexpr std::string_view kBridge = "\\_SB.PCI0.ISA.";

std::string link_name(unsigned pirq) { return std::string("LNK") + static_cast<char>('A' + pirq); }
std::string route_field(unsigned pirq) {
  return std::string("PRQ") + static_cast<char>('A' + pirq);
}
Bytes path_in_bridge(const std::string& name) { return path(std::string(kBridge) + name); }

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
                   apic ? integer(0) : path_in_bridge(link_name(pirq)),
                   apic ? integer(InterruptControllers::kFirstPirqPin + pirq) : integer(0)}));
    }
  return package(entries);
}

// A PIRQ as the operating system may route it to an 8259 input.
Bytes link_device(unsigned pirq) {
  const Bytes route = path_in_bridge(route_field(pirq));
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

}  // namespace

// The routing is the PCI bus's, in whose scope this is.
Bytes Piix3::acpi_terms() const {
  Bytes links;
  for (unsigned pirq = 0; pirq < kPirqs; ++pirq) links = join({links, link_device(pirq)});
  return join({
      name("PRTA", routing_table(*this, true)),
      name("PRTP", routing_table(*this, false)),
      method(
          "_PRT", 0,
          join({if_(aml::path("\\PICF"), return_(aml::path("PRTA"))), return_(aml::path("PRTP"))})),
      device("ISA",
             join({
                 name("_ADR", integer(1 << 16)),
                 operation_region("PIRR", Space::PciConfig, kRouteControl, kPirqs),
                 field("PIRR", Access::Byte, {{"PRQA", 8}, {"PRQB", 8}, {"PRQC", 8}, {"PRQD", 8}}),
                 links,
                 acpi_terms_on(isa_bus()),
             })),
  });
}

}  // namespace backplane::pc
