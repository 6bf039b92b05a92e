// SPDX-License-Identifier: MIT
#include "board/boot_setup.h"

#include <algorithm>
#include <cassert>
#include <iterator>
#include <string>
#include <utility>

#include "acpi/dsdt.h"
#include "acpi/loader.h"
#include "backplane/command.h"
#include "backplane/display.h"
#include "backplane/x86/apic.h"
#include "board/boot_order.h"
#include "board/pci_resources.h"
#include "uart16550/isa_serial.h"

namespace backplane::pc {

namespace {

// CMOS bytes that the PC's firmware keeps. [IBM PC AT Technical Reference "CMOS RAM"]
constexpr u8 kEquipment = 0x14, kBaseMemory = 0x15, kExtendedMemory = 0x17, kExtendedMemory2 = 0x30,
             kHighMemory = 0x34, kMemoryAbove4G = 0x5b, kOtherCpus = 0x5f;
constexpr u8 kEquipmentFpu = 0x02;

// BIOS data area.
constexpr u64 kBdaSerialPorts = 0x400, kBdaEbdaSegment = 0x40e, kBdaEquipment = 0x410,
              kBdaMemoryKib = 0x413;

BootRequest read_images(const BootFiles& files, const MemoryMap& memory, u64 rsdp) {
  const Blob::Limit limit{memory.ram, "all the RAM that the machine has"};
  BootRequest request;
  request.kernel = Blob::open_file(files.kernel, "-kernel " + files.kernel, limit);
  request.kernel_file = files.kernel;
  if (!files.initrd.empty())
    request.initrd = Blob::open_file(files.initrd, "-initrd " + files.initrd, limit);
  request.initrd_file = files.initrd;
  request.command_line = files.append;
  request.memory = memory;
  request.rsdp = rsdp;
  return request;
}

std::vector<u32> apic_ids(const Machine& machine) {
  std::vector<u32> ids;
  for (Cpu* cpu : machine.cpus()) ids.push_back(dynamic_cast<x86::X86Cpu&>(*cpu).apic().id());
  return ids;
}

// As firmware hands it on: the bytes in the order in which they are written. Zero if none was
// given.
std::vector<u8> uuid_bytes(std::string_view text) {
  std::vector<u8> bytes;
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
               [](char c) { return c != '-'; });
  for (std::size_t at = 0; at + 1 < digits.size(); at += 2)
    bytes.push_back(static_cast<u8>(std::stoul(digits.substr(at, 2), nullptr, 16)));
  constexpr std::size_t kSize = 16;
  bytes.resize(kSize);
  return bytes;
}

}  // namespace

BootSetup::BootSetup(const BoardParts& parts, const BootFiles& files)
    : parts_(parts),
      options_(files.options),
      definitions_(build_dsdt(parts.machine)),
      firmware_(files.firmware) {
  tables_ = place_acpi_tables(acpi_tables(kPmPorts), kFirmwareStart);
  if (tables_.base + tables_.image.size() > kSmbiosStart)
    throw Error::of("the ACPI tables have {} bytes; {} are reserved for them", tables_.image.size(),
                    kSmbiosStart - kFirmwareStart);
  if (!files.kernel.empty()) plan_ = plan_boot(read_images(files, parts_.memory, tables_.rsdp()));
  fill_cmos();
  fill_fw_cfg(files.append);
  offer_acpi_tables();
  smbios_ = build_smbios(files.smbios, {uuid_bytes(parts_.machine.config().uuid),
                                        parts_.machine.config().topology, parts_.memory});
  if (smbios_.anchor.size() + smbios_.table.size() > kFirmwareEnd - kSmbiosStart)
    throw Error::of("-smbios: the tables have {} bytes; {} are reserved for them",
                    smbios_.table.size(), kFirmwareEnd - kSmbiosStart);
  offer_smbios();
}

AcpiTables BootSetup::acpi_tables(u16 pm_ports) const {
  return build_acpi_tables({pm_ports, apic_ids(parts_.machine), definitions_, parts_.hpet});
}

void BootSetup::fill_cmos() {
  const auto word = [&](u8 index, u64 value) {
    parts_.rtc.set_cmos(index, static_cast<u8>(value));
    parts_.rtc.set_cmos(index + 1, static_cast<u8>(value >> 8));
  };
  parts_.rtc.set_cmos(kEquipment, kEquipmentFpu);
  word(kBaseMemory, 640);
  const u64 low = parts_.memory.low_ram();
  const u64 extended = std::min<u64>((low - 1_MiB) >> 10, 0xffff);
  word(kExtendedMemory, extended);
  word(kExtendedMemory2, extended);
  word(kHighMemory, low > 16_MiB ? (low - 16_MiB) >> 16 : 0);
  const u64 above = parts_.memory.high_ram() >> 16;
  word(kMemoryAbove4G, above);
  parts_.rtc.set_cmos(kMemoryAbove4G + 2, static_cast<u8>(above >> 16));
  parts_.rtc.set_cmos(kOtherCpus, static_cast<u8>(parts_.machine.cpus().size() - 1));
}

void BootSetup::fill_fw_cfg(const std::string& command_line) {
  FwCfg& fw = parts_.fw_cfg;
  const auto cpus = static_cast<u16>(parts_.machine.cpus().size());
  fw.set(FwCfg::kUuid, uuid_bytes(parts_.machine.config().uuid));
  fw.set_number<u64>(FwCfg::kRamSize, parts_.memory.ram);
  // Then firmware uses the serial port, too.
  const bool screen = parts_.machine.get_value("graphics").as_bool() &&
                      !objects_offering<DisplayDevice>(parts_.machine).empty();
  fw.set_number<u16>(FwCfg::kNoGraphic, screen ? 0 : 1);
  fw.set_number<u16>(FwCfg::kCpuCount, cpus);
  // Firmware takes it for the first APIC id beyond.
  fw.set_number<u16>(FwCfg::kMaxCpus, static_cast<u16>(apic_ids(parts_.machine).back() + 1));
  fw.set_number<u32>(FwCfg::kIrq0Override, 1);
  fw.set_number<u32>(FwCfg::kCommandLineSize, static_cast<u32>(command_line.size() + 1));
  std::vector<u8> line(command_line.begin(), command_line.end());
  line.push_back(0);
  fw.set(FwCfg::kCommandLineData, std::move(line));

  std::vector<u8> e820;
  const auto put = [&](u64 value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) e820.push_back(static_cast<u8>(value >> i * 8));
  };
  for (const MemoryRange& range : parts_.memory.ranges()) {
    put(range.address, 8);
    put(range.size, 8);
    put(range.type, 4);
  }
  fw.set_file("etc/e820", std::move(e820));

  options_.put_into(fw);
  if (const std::string order = boot_order(parts_.bridge.pci_bus(), options_.strict);
      !order.empty()) {
    std::vector<u8> file(order.begin(), order.end());
    file.push_back(0);
    fw.set_file("bootorder", std::move(file));
  }
}

// Firmware has placed the ports by the time it reads them.
void BootSetup::offer_acpi_tables() {
  const auto tables = [this] {
    const u16 ports = parts_.pm.ports();
    return acpi_tables(ports != 0 ? ports : kPmPorts);
  };
  parts_.fw_cfg.set_file(kAcpiRootFile, [=] { return tables().root; });
  parts_.fw_cfg.set_file(kAcpiBodyFile, [=] { return tables().body; });
  parts_.fw_cfg.set_file(kAcpiLoaderFile, [=] { return loader_script(tables()); });
}

void BootSetup::offer_smbios() {
  parts_.fw_cfg.set_file("etc/smbios/smbios-anchor", smbios_.anchor);
  parts_.fw_cfg.set_file("etc/smbios/smbios-tables", smbios_.table);
}

// The entry point is where operating systems look for it. [DSP0134 5.2.1]
void BootSetup::write_smbios() {
  const u64 table = kSmbiosStart + (smbios_.anchor.size() + 15) / 16 * 16;
  place_smbios(smbios_, static_cast<u32>(table));
  AddressSpace& memory = parts_.machine.memory();
  memory.write(kSmbiosStart, smbios_.anchor.data(), smbios_.anchor.size());
  memory.write(table, smbios_.table.data(), smbios_.table.size());
}

void BootSetup::write_bios_data() {
  AddressSpace& memory = parts_.machine.memory();
  memory.fill(kBdaSerialPorts, 0, 0x100);
  u64 at = kBdaSerialPorts;
  for (const unsigned index : parts_.serials) {
    memory.store<u16>(at, IsaSerial::location(index).base);
    at += 2;
  }
  memory.store<u16>(kBdaEbdaSegment, kConventionalEnd >> 4);
  memory.store<u16>(kBdaEquipment, static_cast<u16>(parts_.serials.size() << 9 | kEquipmentFpu));
  memory.store<u16>(kBdaMemoryKib, kConventionalEnd >> 10);
  memory.store<u8>(kConventionalEnd, (kVideoStart - kConventionalEnd) >> 10);  // EBDA: its size
}

// The channels' ports are decoded once firmware has said so. [Intel 82371SB datasheet "IDETIM"]
void BootSetup::enable_ide(PciBus& bus) {
  constexpr u32 kPiix3Ide = 0x7010'8086;
  constexpr unsigned kTiming = 0x40;
  constexpr u32 kDecodeBoth = 0x8000'8000;
  const u8 function = parts_.bridge.devfn() + 1;
  if (bus.device_at(function) == nullptr || bus.config_read(function, 0, 4) != kPiix3Ide) return;
  bus.config_write(function, kTiming, kDecodeBoth, 4);
}

void BootSetup::program_chipset() {
  PciBus& bus = parts_.bridge.pci_bus();
  assign_pci_resources(bus, parts_.memory);
  route_pci_interrupts(bus, parts_.bridge, parts_.bridge.devfn());
  enable_ide(bus);
  for (const u8 irq : kPciIrqs) parts_.irqs.set_level_triggered(irq);
  bus.config_write(parts_.pm.devfn(), Piix4Pm::kPmBase, kPmPorts, 4);
  bus.config_write(parts_.pm.devfn(), Piix4Pm::kPmMisc, Piix4Pm::kPmEnable, 1);
}

// The keyboard works, and speaks as those of an AT did, before there were scan codes to choose
// from; the mouse is left to whoever has a driver. [PS/2 "Keyboard and Auxiliary Device
// Controller"]
void BootSetup::enable_keyboard() {
  constexpr u64 kData = 0x60, kCommand = 0x64;
  constexpr u8 kWriteCommandByte = 0x60;
  constexpr u8 kInterrupt = 0x01, kTestPassed = 0x04, kAuxDisabled = 0x20, kTranslate = 0x40;
  AddressSpace& io = parts_.machine.io();
  io.store<u8>(kCommand, kWriteCommandByte);
  io.store<u8>(kData, kInterrupt | kTestPassed | kAuxDisabled | kTranslate);
}

void BootSetup::run() {
  const bool once = std::exchange(first_run_, false) && !options_.once.empty();
  BootOptions::put_order(once ? options_.once : options_.order, parts_.rtc);
  if (firmware_) return;
  program_chipset();
  write_bios_data();
  AddressSpace& memory = parts_.machine.memory();
  memory.write(tables_.base, tables_.image.data(), tables_.image.size());
  write_smbios();
  if (!plan_) return;
  enable_keyboard();
  image_wanted_ = true;
  plan_->enter(memory, dynamic_cast<x86::X86Cpu&>(*parts_.machine.cpus().front()));
}

void BootSetup::load_image() {
  if (!image_wanted_) return;
  plan_->load(parts_.machine.memory());
  image_wanted_ = false;
}

}  // namespace backplane::pc
