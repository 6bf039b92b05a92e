// SPDX-License-Identifier: MIT
// What PCI devices derive from.
//
//   class Adder final : public PciDevice {
//    public:
//     static void class_init(PciDeviceClass& k) {
//       k.identity = {.vendor = 0x1b36, .device = 0x00f0, .class_code = 0xff0000};
//     }
//     void realize() {
//       add_bar(0, 4_KiB, MmioHandler::of<&Adder::read, &Adder::write>(*this));
//     }
//     ...
//   };
//   BACKPLANE_TYPE(Adder, "adder", .category = "Misc", .description = "Adds what it is told");
//
// Everything is called under the machine lock, on a vCPU's thread or the main loop's.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <string>

#include "backplane/device.h"
#include "backplane/memory.h"
#include "backplane/pci/config_space.h"
#include "backplane/pci/msi.h"
#include "backplane/pci/pci_regs.h"
#include "backplane/pci/version.h"
#include "backplane/room.h"

namespace backplane {

class PciBus;

// What the read-only registers of configuration space say. [PCI §6.2.1, 6.2.4]
struct PciIdentity {
  u16 vendor = 0;
  u16 device = 0;
  u8 revision = 0;
  u32 class_code = 0;  // base class << 16 | sub-class << 8 | programming interface
  u16 subsystem_vendor = 0;
  u16 subsystem = 0;
};

// What all devices of a type have in common; filled in by its class_init().
struct PciDeviceClass : DeviceClass {
  PciDeviceClass() = default;
  explicit PciDeviceClass(const DeviceClass& parent) : DeviceClass(parent) {}

  PciIdentity identity;
  u8 interrupt_pin = 0;  // 1 to 4: INTA# to INTD#; 0: none
  // File of firmware by which a machine starts from the device: its expansion ROM where firmware
  // runs such, the file is installed, and the user named no other. Null: none.
  const char* option_rom = nullptr;
  Room<3> room;
};

// Slot and function on a bus, "03" or "03.1" (hexadecimal slot, function 0 to 7).
struct PciAddress {
  static constexpr int kAuto = -1;
  int devfn = kAuto;  // slot << 3 | function

  static PciAddress of(unsigned slot, unsigned function = 0) {
    return {static_cast<int>(slot << 3 | function)};
  }
  bool operator==(const PciAddress&) const = default;
};
template <>
struct PropertyTraits<PciAddress> {
  static constexpr std::string_view kTypeName = "pci-address";
  static PciAddress parse(std::string_view text);
  static std::string print(PciAddress value);
};

// What a base address register decodes. [PCI §6.2.5.1]
enum class BarType {
  Io,
  Memory32,
  Memory64,  // takes the next BAR's register too
  Memory64Prefetchable,
};

class PciDevice : public Device {
  BACKPLANE_OBJECT(PciDevice, Device, "pci-device")
 public:
  using Class = PciDeviceClass;
  static void class_init(PciDeviceClass& k);
  PciDevice();
  ~PciDevice() override;

  const PciDeviceClass& pci_class() const {
    return static_cast<const PciDeviceClass&>(object_class());
  }

  // Takes a place on the bus and fills in the configuration header. BARs and capabilities are
  // added by the override, after this.
  void realize();
  void realized_all();
  void unrealize();
  // Configuration space, BARs, MSI and INTx as after RST#.
  void reset() override;
  // BARs decode where the registers say, INTx# is driven as it was.
  void loaded() override;
  std::string describe() const override;

  // The place asked for, before realize(); the place it has, after.
  PciAddress address() const { return address_; }
  void set_address(PciAddress address) { address_ = address; }
  u8 devfn() const { return static_cast<u8>(address_.devfn); }
  unsigned slot() const { return devfn() >> 3; }
  unsigned function() const { return devfn() & 7; }
  bool multifunction() const { return multifunction_; }
  // Says that further functions share its slot; before realize().
  void set_multifunction(bool value) { multifunction_ = value; }
  PciBus& pci_bus() const;

  // Configuration accesses of 1, 2 or 4 bytes that do not cross a 4-byte boundary, as the host
  // bridge passes them on. An override calls its parent's.
  virtual u32 config_read(unsigned offset, unsigned size);
  virtual void config_write(unsigned offset, u32 value, unsigned size);

  PciConfigSpace& config() { return config_; }
  const PciConfigSpace& config() const { return config_; }

  // --- for derived classes, from realize() on --------------------------------------------------
  // Adds a base address register (0 to 5) decoding this region; its size is rounded up to a power
  // of two. The device keeps the region. Throws Error if the register is taken.
  MemoryRegion& add_bar(unsigned index, std::unique_ptr<MemoryRegion> region,
                        BarType type = BarType::Memory32);
  MemoryRegion& add_bar(unsigned index, u64 size, const MmioHandler& handler,
                        BarType type = BarType::Memory32);
  // Adds the expansion ROM register decoding this block. [PCI §6.2.5.2]
  void add_rom(std::shared_ptr<RamBlock> rom);
  // The same, of a file of the host. Throws Error, which names the property romfile.
  void load_rom(const std::string& file);
  // Where a BAR decodes now, if it does.
  std::optional<u64> bar_address(unsigned index) const;
  MemoryRegion* bar_region(unsigned index) const { return bars_.at(index).region.get(); }

  // The capabilities of msi.h, at most one of each; the device owns them. Throw Error if there is
  // no room in configuration space, or the BAR is taken.
  PciMsi& add_msi(unsigned vectors);
  PciMsix& add_msix(unsigned bar, unsigned vectors);
  // Null: it has none.
  PciMsi* msi() const { return msi_.get(); }
  PciMsix* msix() const { return msix_.get(); }

  // Drives the INTx# pin that the class names. [PCI §2.2.6 "Interrupt Pins"]
  void set_intx(bool level);
  bool intx() const { return state_.intx; }

  // --- bus mastering ---------------------------------------------------------------------------
  bool bus_master() const { return (config_.get16(pci::kCommand) & pci::kCommandBusMaster) != 0; }
  // Guest-physical memory as the device reaches it: DecodeError while bus mastering is off.
  MemResult dma_read(u64 address, void* data, u64 size);
  MemResult dma_write(u64 address, const void* data, u64 size);
  // A message of its own making; nothing while bus mastering is off.
  void send_msi(const MsiMessage& message);

 protected:
  // Told after a write that changed the command register (bus mastering, decoding).
  virtual void command_changed() {}

 private:
  static constexpr unsigned kRomBar = 6;
  static constexpr unsigned kBars = 7;
  struct Bar {
    std::unique_ptr<MemoryRegion> region;
    BarType type = BarType::Memory32;
    u64 size = 0;
    bool mapped = false;
  };

  unsigned bar_register(unsigned index) const;
  std::optional<u64> decoded_address(unsigned index) const;
  void update_mappings();
  void unmap_all();
  void update_intx();
  void load_rom_file();

  PciAddress address_;
  bool multifunction_ = false;
  std::string rom_file_;
  bool rom_bar_ = true;
  PciConfigSpace config_;
  std::array<Bar, kBars> bars_;
  std::unique_ptr<PciMsi> msi_;
  std::unique_ptr<PciMsix> msix_;
  struct State {
    bool intx = false;  // what the device asks for
  };
  State state_;
  bool intx_asserted_ = false;  // what the bus was told
  [[maybe_unused]] Room<4> room_;
};

}  // namespace backplane
