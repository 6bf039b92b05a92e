// SPDX-License-Identifier: MIT
#include "backplane/pci/pci_device.h"

#include "backplane/error.h"
#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/pci/pci_bus.h"

namespace backplane {

using namespace pci;

BACKPLANE_REGISTER_ABSTRACT(PciDevice, .bus = PciBus::kTypeName, .category = "Misc",
                            .description = "A PCI function")

void PciDevice::class_init(PciDeviceClass& k) {
  k.property<&PciDevice::address_>("addr", "slot and function on the bus, as 04 or 04.1");
  k.property<&PciDevice::multifunction_>("multifunction",
                                         "further functions may share the slot (function 0)");
  k.property<&PciDevice::rom_file_>("romfile", "file with the expansion ROM");
  k.property<&PciDevice::rom_bar_>("rombar", "whether the expansion ROM can be mapped");
  k.state<&PciDevice::config_>(1, "config");
  k.state<&PciDevice::msix_>(1, "msix");
  k.state<&PciDevice::state_>(1, {member<&State::intx>("intx")});
}

PciDevice::PciDevice() = default;
PciDevice::~PciDevice() { unmap_all(); }

PciBus& PciDevice::pci_bus() const { return static_cast<PciBus&>(*bus()); }

void PciDevice::realize() {
  const PciIdentity& identity = pci_class().identity;
  config_ = PciConfigSpace{};
  config_.set16(kVendorId, identity.vendor);
  config_.set16(kDeviceId, identity.device);
  config_.set8(kRevisionId, identity.revision);
  config_.set8(kClassCode, static_cast<u8>(identity.class_code));
  config_.set16(kClassCode + 1, static_cast<u16>(identity.class_code >> 8));
  config_.set16(kSubsystemVendorId, identity.subsystem_vendor);
  config_.set16(kSubsystemId, identity.subsystem);
  config_.set8(kHeaderType, multifunction_ ? kHeaderMultifunction : 0);
  config_.set8(kInterruptPin, pci_class().interrupt_pin);

  config_.set_writable16(kCommand, kCommandIo | kCommandMemory | kCommandBusMaster |
                                       kCommandParity | kCommandSerr | kCommandInterruptDisable);
  config_.set_write_one_to_clear16(kStatus, kStatusErrors);
  config_.set_writable8(kCacheLineSize, 0xff);
  config_.set_writable8(kLatencyTimer, 0xff);
  if (pci_class().interrupt_pin != 0) config_.set_writable8(kInterruptLine, 0xff);
}

// What the ROM is for says the derived class.
void PciDevice::realized_all() {
  if (rom_bar_) load_rom_file();
}

void PciDevice::unrealize() {
  state_.intx = false;
  update_intx();
  unmap_all();
  msi_.reset();
  msix_.reset();
  for (Bar& bar : bars_) bar = Bar{};
}

void PciDevice::reset() {
  state_.intx = false;
  update_intx();
  Device::reset();
  update_mappings();
}

void PciDevice::loaded() {
  Device::loaded();
  config_.check_loaded();
  if (msix_) msix_->loaded();
  update_mappings();
  update_intx();
}

std::string PciDevice::describe() const {
  std::string text =
      fmt::format("addr {}, pci {:04x}:{:04x}", PropertyTraits<PciAddress>::print(address_),
                  config_.get16(kVendorId), config_.get16(kDeviceId));
  if (const u8 pin = config_.get8(kInterruptPin); pin != 0)
    text += fmt::format(", pin {}, irq {}", static_cast<char>('A' + pin - 1),
                        config_.get8(kInterruptLine));
  for (unsigned i = 0; i < kBars; ++i) {
    const Bar& bar = bars_[i];
    if (!bar.region) continue;
    const char* kind = bar.type == BarType::Io ? "i/o" : "mem";
    text += i == kRomBar ? ", rom" : fmt::format(", bar {} {}", i, kind);
    if (bar.mapped)
      text += fmt::format(" at {:#x} [{:#x}]", bar.region->address(), bar.size);
    else
      text += fmt::format(" off [{:#x}]", bar.size);
  }
  return text;
}

u32 PciDevice::config_read(unsigned offset, unsigned size) { return config_.read(offset, size); }

void PciDevice::config_write(unsigned offset, u32 value, unsigned size) {
  const u16 command = config_.get16(kCommand);
  config_.write(offset, value, size);
  const bool in_bars = offset < kBar0 + 24 && offset + size > kBar0;
  const bool in_rom = offset < kExpansionRom + 4 && offset + size > kExpansionRom;
  const bool new_command = config_.get16(kCommand) != command;
  if (in_bars || in_rom || new_command) update_mappings();
  if (new_command) {
    update_intx();
    command_changed();
  }
  if (msi_) msi_->config_written(offset, size);
  if (msix_) msix_->config_written(offset, size);
}

PciMsi& PciDevice::add_msi(unsigned vectors) {
  msi_ = std::make_unique<PciMsi>(*this, vectors);
  return *msi_;
}

PciMsix& PciDevice::add_msix(unsigned bar, unsigned vectors) {
  msix_ = std::make_unique<PciMsix>(*this, bar, vectors);
  return *msix_;
}

void PciDevice::set_intx(bool level) {
  if (level == state_.intx) return;
  state_.intx = level;
  update_intx();
}

// [PCI §6.2.3 "Interrupt Status"]: the bit shows the request, whether or not it is disabled.
void PciDevice::update_intx() {
  const unsigned pin = pci_class().interrupt_pin;
  if (pin == 0) return;
  const u16 status = config_.get16(kStatus);
  config_.set16(kStatus, static_cast<u16>(state_.intx ? status | kStatusInterrupt
                                                      : status & ~kStatusInterrupt));
  const bool asserted = state_.intx && (config_.get16(kCommand) & kCommandInterruptDisable) == 0;
  if (asserted == intx_asserted_) return;
  intx_asserted_ = asserted;
  pci_bus().set_intx(*this, pin - 1, asserted);
}

MemResult PciDevice::dma_read(u64 address, void* data, u64 size) {
  if (!bus_master()) return MemResult::DecodeError;
  return machine().memory().read(address, data, size);
}

MemResult PciDevice::dma_write(u64 address, const void* data, u64 size) {
  if (!bus_master()) return MemResult::DecodeError;
  return machine().memory().write(address, data, size);
}

void PciDevice::send_msi(const MsiMessage& message) {
  dma_write(message.address, &message.data, sizeof message.data);
}

}  // namespace backplane
