// SPDX-License-Identifier: MIT
#include "piix3/piix3_ide.h"

#include <fmt/format.h>

#include "backplane/error.h"
#include "backplane/isa/isa_device.h"
#include "backplane/machine.h"
#include "drive/ata.h"

namespace backplane::ide {

namespace {

struct Place {
  u16 command_block;
  u16 control_block;
  unsigned irq;
};
constexpr Place kPlaces[] = {{0x1f0, 0x3f6, 14}, {0x170, 0x376, 15}};

// IDETIM: the upper byte's upper bit says that the channel's ports are decoded.
constexpr unsigned kTiming = 0x40, kTimingSize = 4, kSlaveTiming = 0x44;
constexpr u16 kDecode = 0x8000;

constexpr unsigned kBusMasterBar = 4;

IsaBus& isa_bus_of(const Machine& machine) {
  for (Bus* const bus : machine.buses())
    if (auto* const isa = dynamic_cast<IsaBus*>(bus)) return *isa;
  throw Error("there is no ISA bus, whose interrupts the channels use");
}

}  // namespace

void Piix3Ide::class_init(PciDeviceClass& k) {
  k.identity = {.vendor = 0x8086, .device = 0x7010, .class_code = 0x01'01'80};
  k.category = "Storage";
  k.hotpluggable = false;
  k.state<&Piix3Ide::primary_>(1, "primary");
  k.state<&Piix3Ide::secondary_>(1, "secondary");
}

void Piix3Ide::realize() {
  for (unsigned at = kTiming; at < kTiming + kTimingSize; ++at) {
    config().set8(at, 0);
    config().set_writable8(at, 0xff);
  }
  config().set_writable8(kSlaveTiming, 0xff);
  add_bar(
      kBusMasterBar, kChannels * BusMaster::kPorts,
      MmioHandler::of<&Piix3Ide::read_bus_master, &Piix3Ide::write_bus_master>(*this).sizes(1, 4),
      BarType::Io);
  IsaBus& isa = isa_bus_of(machine());
  for (unsigned n = 0; n < kChannels; ++n) {
    Channel& channel = channels_[n];
    const std::string name = fmt::format("ide.{}", n);
    channel.bus = &add_child(name, create_object<IdeBus>(IdeBus::kTypeName));
    channel.bus->connect(*this, n);
    channel.bus->attach_to(*this);
    master(n).connect(*this, *channel.bus);
    channel.irq = isa.irq(kPlaces[n].irq);
    channel.command_block =
        MemoryRegion::mmio(name, kCommandBlockSize,
                           MmioHandler::of<&Channel::read, &Channel::write>(channel).sizes(1, 4));
    channel.control_block = MemoryRegion::mmio(
        name + " control", 1,
        MmioHandler::of<&Channel::read_control, &Channel::write_control>(channel).sizes(1, 1));
    channel.command_block->set_enabled(false);
    channel.control_block->set_enabled(false);
    machine().io_root().add_subregion(kPlaces[n].command_block, *channel.command_block);
    machine().io_root().add_subregion(kPlaces[n].control_block, *channel.control_block);
  }
}

void Piix3Ide::unrealize() {
  for (Channel& channel : channels_) {
    channel.command_block.reset();
    channel.control_block.reset();
    if (channel.bus != nullptr) remove_child(*channel.bus);
    channel.bus = nullptr;
  }
}

void Piix3Ide::reset() {
  PciDevice::reset();
  update_ports();
}

void Piix3Ide::loaded() {
  PciDevice::loaded();
  update_ports();
}

void Piix3Ide::config_write(unsigned offset, u32 value, unsigned size) {
  PciDevice::config_write(offset, value, size);
  if (offset + size > kTiming && offset < kTiming + kTimingSize) update_ports();
}

void Piix3Ide::update_ports() {
  const bool io = (config().get16(pci::kCommand) & pci::kCommandIo) != 0;
  const MemoryRegion::Batch batch;
  for (unsigned n = 0; n < kChannels; ++n) {
    const bool decoded = io && (config().get16(kTiming + n * 2) & kDecode) != 0;
    channels_[n].command_block->set_enabled(decoded);
    channels_[n].control_block->set_enabled(decoded);
  }
}

u64 Piix3Ide::Channel::read(u64 offset, unsigned size) {
  if (offset == kData) return bus->read_data(size);
  u64 value = 0;
  for (unsigned i = 0; i < size && offset + i < kCommandBlockSize; ++i)
    value |= u64{bus->read(static_cast<unsigned>(offset + i))} << i * 8;
  return value;
}

void Piix3Ide::Channel::write(u64 offset, u64 value, unsigned size) {
  if (offset == kData) return bus->write_data(static_cast<u32>(value), size);
  for (unsigned i = 0; i < size && offset + i < kCommandBlockSize; ++i)
    bus->write(static_cast<unsigned>(offset + i), static_cast<u8>(value >> i * 8));
}

u64 Piix3Ide::Channel::read_control(u64 /*offset*/, unsigned /*size*/) {
  return bus->alternate_status();
}
void Piix3Ide::Channel::write_control(u64 /*offset*/, u64 value, unsigned /*size*/) {
  bus->write_control(static_cast<u8>(value));
}

u64 Piix3Ide::read_bus_master(u64 offset, unsigned size) {
  return master(offset / BusMaster::kPorts).read(offset % BusMaster::kPorts, size);
}
void Piix3Ide::write_bus_master(u64 offset, u64 value, unsigned size) {
  master(offset / BusMaster::kPorts)
      .write(offset % BusMaster::kPorts, static_cast<u32>(value), size);
}

void Piix3Ide::set_intrq(unsigned channel, bool level) {
  master(channel).set_intrq(level);
  channels_[channel].irq.set(level);
}

std::size_t Piix3Ide::transfer(unsigned channel, std::span<u8> data, bool to_memory) {
  return master(channel).transfer(data, to_memory);
}

BACKPLANE_REGISTER(Piix3Ide, .category = "Storage",
                   .description = "PIIX3 IDE controller: buses ide.0 and ide.1")

}  // namespace backplane::ide
