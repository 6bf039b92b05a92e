// SPDX-License-Identifier: MIT
#include "acpi/tables.h"

#include <cstring>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>

#include "hpet/hpet.h"
#include "interrupts/interrupt_controllers.h"
#include "mc146818/mc146818.h"
#include "piix3/piix3.h"
#include "piix4_pm/piix4_pm.h"

namespace backplane::pc {

namespace {

using Bytes = std::vector<u8>;

constexpr std::size_t kHeaderSize = 36;
constexpr std::size_t kChecksumOffset = 9;
constexpr u32 kLocalApicAddress = x86::LocalApic::kBaseAddress;

void put(Bytes& out, u64 value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) out.push_back(static_cast<u8>(value >> i * 8));
}
void put_text(Bytes& out, std::string_view text, std::size_t size) {
  out.insert(out.end(), text.begin(), text.end());
  out.insert(out.end(), size - text.size(), ' ');
}

u8 checksum(const u8* data, std::size_t size) {
  return static_cast<u8>(-std::accumulate(data, data + size, 0));
}

// The table with its header. [5.2.6 "System Description Table Header"]
Bytes table(std::string_view signature, u8 revision, const Bytes& body) {
  Bytes out;
  put_text(out, signature, 4);
  put(out, kHeaderSize + body.size(), 4);
  put(out, revision, 1);
  put(out, 0, 1);
  put_text(out, "BACKPL", 6);
  put_text(out, "PC", 8);
  put(out, 1, 4);
  put_text(out, "BKPL", 4);
  put(out, 1, 4);
  out.insert(out.end(), body.begin(), body.end());
  out[kChecksumOffset] = checksum(out.data(), out.size());
  return out;
}

// A generic address structure. [5.2.3.2]
void put_gas(Bytes& out, u8 space, u8 bits, u8 access, u64 address) {
  put(out, space, 1);
  put(out, bits, 1);
  put(out, 0, 1);
  put(out, access, 1);
  put(out, address, 8);
}
constexpr u8 kSystemMemory = 0, kSystemIo = 1;
constexpr u8 kByteAccess = 1, kWordAccess = 2, kDWordAccess = 3;

// [5.2.9 "Fixed ACPI Description Table (FADT)"]
constexpr std::size_t kFadtFacs = 36, kFadtDsdt = 40, kFadtXDsdt = 140;
Bytes fadt(u16 pm_ports, u64 facs, u64 dsdt) {
  constexpr u32 kWbinvd = 1u << 0, kC1 = 1u << 2, kSleepButtonIsDevice = 1u << 5,
                kRtcWakeNotFixed = 1u << 6, kResetRegister = 1u << 10;
  constexpr u16 kLegacyDevices = 1u << 0, kVgaMissing = 1u << 2;
  constexpr u16 kResetControlPort = 0xcf9;
  constexpr u8 kHardReset = 0x06;
  const u32 event = u32{pm_ports} + AcpiPm::kEventBlock,
            control = u32{pm_ports} + AcpiPm::kControlBlock,
            timer = u32{pm_ports} + AcpiPm::kTimerBlock, gpe = u32{pm_ports} + AcpiPm::kGpeBlock;
  Bytes b;
  put(b, facs, 4);
  put(b, dsdt, 4);
  put(b, 0, 1);
  put(b, 0, 1);  // preferred profile: unspecified
  put(b, Piix4Pm::kSciIrq, 2);
  put(b, Piix4Pm::kSmiCommandPort, 4);
  put(b, Piix4Pm::kAcpiEnable, 1);
  put(b, Piix4Pm::kAcpiDisable, 1);
  put(b, 0, 2);  // S4BIOS_REQ, PSTATE_CNT
  put(b, event, 4);
  put(b, 0, 4);
  put(b, control, 4);
  put(b, 0, 4);
  put(b, 0, 4);  // PM2
  put(b, timer, 4);
  put(b, gpe, 4);
  put(b, 0, 4);
  put(b, 4, 1);  // lengths: event, control, PM2, timer, GPE0, GPE1
  put(b, 2, 1);
  put(b, 0, 1);
  put(b, 4, 1);
  put(b, AcpiPm::kGpeLength, 1);
  put(b, 0, 1);
  put(b, 0, 1);       // GPE1 base
  put(b, 0, 1);       // CST_CNT
  put(b, 0xffff, 2);  // C2 and C3 latencies: not supported
  put(b, 0xffff, 2);
  put(b, 0, 4);  // flush size and stride
  put(b, 0, 2);  // duty offset and width
  put(b, 0, 2);  // day and month alarm
  put(b, Rtc::kCentury, 1);
  put(b, kLegacyDevices | kVgaMissing, 2);
  put(b, 0, 1);
  put(b, kWbinvd | kC1 | kSleepButtonIsDevice | kRtcWakeNotFixed | kResetRegister, 4);
  put_gas(b, kSystemIo, 8, kByteAccess, kResetControlPort);
  put(b, kHardReset, 1);
  put(b, 0, 2);  // Arm boot flags
  put(b, 4, 1);  // minor version
  put(b, 0, 8);  // the FACS is named by its 32-bit field
  put(b, dsdt, 8);
  put_gas(b, kSystemIo, 32, kWordAccess, event);
  put_gas(b, 0, 0, 0, 0);
  put_gas(b, kSystemIo, 16, kWordAccess, control);
  put_gas(b, 0, 0, 0, 0);
  put_gas(b, 0, 0, 0, 0);
  put_gas(b, kSystemIo, 32, kDWordAccess, timer);
  put_gas(b, kSystemIo, AcpiPm::kGpeLength * 8, kByteAccess, gpe);
  put_gas(b, 0, 0, 0, 0);
  put_gas(b, 0, 0, 0, 0);  // sleep control and status: only for reduced hardware
  put_gas(b, 0, 0, 0, 0);
  put(b, 0, 8);  // hypervisor vendor identity
  return table("FACP", 6, b);
}

// [5.2.10 "Firmware ACPI Control Structure (FACS)"]
Bytes facs() {
  Bytes b;
  put_text(b, "FACS", 4);
  put(b, 64, 4);
  b.resize(32, 0);
  put(b, 2, 1);  // version
  b.resize(64, 0);
  return b;
}

// [5.2.12 "Multiple APIC Description Table (MADT)"]
Bytes madt(const std::vector<u32>& apic_ids) {
  constexpr u32 kPcAtCompatible = 1;
  constexpr u16 kActiveHigh = 1, kLevel = 3 << 2;
  constexpr u8 kIsaBus = 0;
  Bytes b;
  put(b, kLocalApicAddress, 4);
  put(b, kPcAtCompatible, 4);
  for (std::size_t n = 0; n < apic_ids.size(); ++n) {  // processor local APIC
    put(b, 0, 1);
    put(b, 8, 1);
    put(b, n, 1);
    put(b, apic_ids[n], 1);
    put(b, 1, 4);  // enabled
  }
  put(b, 1, 1);  // I/O APIC
  put(b, 12, 1);
  put(b, 0, 1);  // its id
  put(b, 0, 1);
  put(b, IoApic::kDefaultAddress, 4);
  put(b, 0, 4);  // first global interrupt
  const auto override_source = [&](u8 irq, u32 global, u16 flags) {
    put(b, 2, 1);
    put(b, 10, 1);
    put(b, kIsaBus, 1);
    put(b, irq, 1);
    put(b, global, 4);
    put(b, flags, 2);
  };
  override_source(0, InterruptControllers::kTimerPin, 0);
  override_source(Piix4Pm::kSciIrq, Piix4Pm::kSciIrq, kActiveHigh | kLevel);
  put(b, 4, 1);  // local APIC NMI: LINT1 of every processor
  put(b, 6, 1);
  put(b, 0xff, 1);
  put(b, 0, 2);
  put(b, 1, 1);
  return table("APIC", 5, b);
}

// [IA-PC HPET 1.0a "The ACPI 2.0 HPET Description Table (HPET)"]
Bytes hpet() {
  Bytes b;
  put(b, Hpet::event_timer_block_id(), 4);
  put_gas(b, kSystemMemory, 0, 0, Hpet::kDefaultAddress);
  put(b, 0, 1);    // number
  put(b, 100, 2);  // minimum ticks in periodic mode without losing interrupts
  put(b, 0, 1);
  return table("HPET", 1, b);
}

// Tells the system that timers need no extra care. [Windows ACPI Emulated Devices Table (WAET)]
Bytes waet() {
  constexpr u32 kRtcGood = 1, kPmTimerGood = 2;
  Bytes b;
  put(b, kRtcGood | kPmTimerGood, 4);
  return table("WAET", 1, b);
}

// [5.2.5.3 "Root System Description Pointer (RSDP) Structure"]
constexpr std::size_t kRsdpSize = 36, kRsdpFirstPart = 20, kRsdpChecksum = 8, kRsdpRsdt = 16,
                      kRsdpXsdt = 24, kRsdpExtendedChecksum = 32;
Bytes rsdp(u64 rsdt, u64 xsdt) {
  Bytes b;
  put_text(b, "RSD PTR ", 8);
  put(b, 0, 1);
  put_text(b, "BACKPL", 6);
  put(b, 2, 1);
  put(b, rsdt, 4);
  put(b, kRsdpSize, 4);
  put(b, xsdt, 8);
  put(b, 0, 4);
  return b;
}

// Collects the tables, each at a multiple of 64 bytes, and notes what depends on where they go.
class Builder {
 public:
  u64 add(const Bytes& bytes) {
    Bytes& body = tables_.body;
    body.resize((body.size() + kTableAlignment - 1) & ~(kTableAlignment - 1), 0);
    const u64 offset = body.size();
    body.insert(body.end(), bytes.begin(), bytes.end());
    return offset;
  }
  // One with pointers at these offsets, whose checksum is left to be made.
  u64 add(Bytes bytes, const std::vector<std::pair<std::size_t, u8>>& pointers) {
    bytes[kChecksumOffset] = 0;
    const u64 table = add(bytes);
    for (const auto& [offset, size] : pointers)
      tables_.pointers.push_back({Part::Body, static_cast<u32>(table + offset), size});
    tables_.checksums.push_back({Part::Body, static_cast<u32>(table + kChecksumOffset),
                                 static_cast<u32>(table), static_cast<u32>(bytes.size())});
    return table;
  }
  // A table that is a list of others.
  u64 add_list(std::string_view signature, u8 entry_size, std::span<const u64> listed) {
    Bytes entries;
    std::vector<std::pair<std::size_t, u8>> pointers;
    for (const u64 offset : listed) {
      pointers.emplace_back(kHeaderSize + entries.size(), entry_size);
      put(entries, offset, entry_size);
    }
    return add(table(signature, 1, entries), pointers);
  }
  AcpiTables finish(u64 rsdt, u64 xsdt) {
    tables_.root = rsdp(rsdt, xsdt);
    tables_.pointers.push_back({Part::Root, kRsdpRsdt, 4});
    tables_.pointers.push_back({Part::Root, kRsdpXsdt, 8});
    tables_.checksums.push_back({Part::Root, kRsdpChecksum, 0, kRsdpFirstPart});
    tables_.checksums.push_back({Part::Root, kRsdpExtendedChecksum, 0, kRsdpSize});
    return std::move(tables_);
  }

 private:
  using Part = AcpiTables::Part;
  AcpiTables tables_;
};

}  // namespace

AcpiTables build_acpi_tables(const AcpiBoard& board) {
  Builder builder;
  const u64 control = builder.add(facs());
  const u64 definitions = builder.add(table("DSDT", 2, board.definitions));
  std::vector<u64> listed{builder.add(fadt(board.pm_ports, control, definitions),
                                      {{kFadtFacs, 4}, {kFadtDsdt, 4}, {kFadtXDsdt, 8}}),
                          builder.add(madt(board.apic_ids))};
  if (board.hpet) listed.push_back(builder.add(hpet()));
  listed.push_back(builder.add(waet()));
  const u64 rsdt = builder.add_list("RSDT", 4, listed), xsdt = builder.add_list("XSDT", 8, listed);
  return builder.finish(rsdt, xsdt);
}

PlacedAcpiTables place_acpi_tables(const AcpiTables& tables, u64 base) {
  const u64 body = kTableAlignment;  // after the root
  Bytes image = tables.root;
  image.resize(body, 0);
  image.insert(image.end(), tables.body.begin(), tables.body.end());
  const auto at = [&](AcpiTables::Part part, u32 offset) {
    return image.data() + (part == AcpiTables::Part::Body ? body : 0) + offset;
  };
  for (const AcpiTables::Pointer& p : tables.pointers) {
    u64 value = 0;
    std::memcpy(&value, at(p.part, p.offset), p.size);
    value += base + body;
    std::memcpy(at(p.part, p.offset), &value, p.size);
  }
  for (const AcpiTables::Checksum& c : tables.checksums)
    *at(c.part, c.offset) = checksum(at(c.part, c.start), c.length);
  return {base, std::move(image)};
}

}  // namespace backplane::pc
