// SPDX-License-Identifier: MIT
#include "backplane/pci/host_bridge.h"

#include "backplane/machine.h"

namespace backplane {

using namespace pci;

namespace {

// CONFIG_ADDRESS [PCI §3.2.2.3.2 "Software Generation of Configuration Transactions"]
constexpr u32 kEnable = 0x8000'0000;
constexpr u64 kResetControl = 1;           // offset of port CF9h
constexpr u32 kAddressMask = 0x80ff'fffc;  // the reserved bits read as zero
// The two lowest, which hardware has not, choose the byte as the data port's do: a driver of
// devices without a guest (libqos, of QEMU's tests) gives them there, and who gives none sees no
// difference.
constexpr u32 kByteInRegister = 3;

}  // namespace

BACKPLANE_REGISTER(PciHostBridge, .category = "Bridge", .board_only = true,
                   .description = "PCI host bridge: bus pci.0, configuration mechanism #1")

void PciHostBridge::class_init(DeviceClass& k) {
  k.state<&PciHostBridge::state_>(1, {member<&State::config_address>("config_address")});
}

PciHostBridge::PciHostBridge() = default;
PciHostBridge::~PciHostBridge() = default;

void PciHostBridge::realize() {
  // Below RAM and the board's own devices, which therefore keep answering where a BAR overlaps.
  constexpr int kBelow = -1;
  memory_ = MemoryRegion::container("pci memory", MemoryRegion::kMaxSize);
  io_ = MemoryRegion::container("pci i/o", 64_KiB);
  machine().memory_root().add_subregion(0, *memory_, kBelow);
  machine().io_root().add_subregion(0, *io_, kBelow);

  bus_ = &add_child("pci.0", create_object<PciBus>(PciBus::kTypeName));
  bus_->connect(*memory_, *io_);
  bus_->attach_to(*this);

  address_port_ = MemoryRegion::mmio(
      "pci config address", 4,
      MmioHandler::of<&PciHostBridge::read_address, &PciHostBridge::write_address>(*this));
  data_port_ = MemoryRegion::mmio(
      "pci config data", 4,
      MmioHandler::of<&PciHostBridge::read_data, &PciHostBridge::write_data>(*this).sizes(1, 4));
  machine().io_root().add_subregion(kConfigAddress, *address_port_);
  machine().io_root().add_subregion(kConfigData, *data_port_);
}

void PciHostBridge::unrealize() {
  address_port_.reset();
  data_port_.reset();
  if (bus_ != nullptr) remove_child(*bus_);
  bus_ = nullptr;
  memory_.reset();
  io_.reset();
}

// Only a full 32-bit access reaches CONFIG_ADDRESS; others are ordinary I/O that nobody answers.
u64 PciHostBridge::read_address(u64 offset, unsigned size) {
  if (offset == kResetControl && size == 1 && reset_control_.read != nullptr)
    return reset_control_.read(reset_control_.self, 0, size);
  return offset == 0 && size == 4 ? state_.config_address & kAddressMask : ~u64{0};
}

void PciHostBridge::write_address(u64 offset, u64 value, unsigned size) {
  if (offset == kResetControl && size == 1 && reset_control_.write != nullptr) {
    reset_control_.write(reset_control_.self, 0, value, size);
    return;
  }
  if (offset == 0 && size == 4)
    state_.config_address = static_cast<u32>(value) & (kAddressMask | kByteInRegister);
}

unsigned PciHostBridge::config_offset(u64 port, unsigned size) const {
  const auto byte = static_cast<unsigned>(port);
  const unsigned both = byte | (state_.config_address & kByteInRegister);
  return (state_.config_address & 0xfc) + (both + size <= 4 ? both : byte);
}

u64 PciHostBridge::read_data(u64 offset, unsigned size) {
  const u32 bus_number = state_.config_address >> 16 & 0xff;
  if ((state_.config_address & kEnable) == 0 || bus_number != 0) return ~u64{0};
  return bus_->config_read(static_cast<u8>(state_.config_address >> 8), config_offset(offset, size),
                           size);
}

void PciHostBridge::write_data(u64 offset, u64 value, unsigned size) {
  const u32 bus_number = state_.config_address >> 16 & 0xff;
  if ((state_.config_address & kEnable) == 0 || bus_number != 0) return;
  bus_->config_write(static_cast<u8>(state_.config_address >> 8), config_offset(offset, size),
                     static_cast<u32>(value), size);
}

}  // namespace backplane
