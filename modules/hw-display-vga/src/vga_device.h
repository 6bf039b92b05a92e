// SPDX-License-Identifier: MIT
// "VGA": a standard VGA with Bochs VBE extensions as a PCI function. BAR 0 is its memory, BAR 2 has
// its registers once more:
//
//   offset  bits  register
//   0x000   8     EDID, 128 bytes
//   0x400   8     ports 3C0h to 3DFh
//   0x500   16    the registers of the Bochs VBE extensions, by their index
//   0x600   32    size of the following registers
//   0x604   32    order of bytes in a pixel: 1e1e1e1eh, little-endian
//
// [std-vga]
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "backplane/device_memory.h"
#include "backplane/dirty_log.h"
#include "backplane/display.h"
#include "backplane/pci/pci_device.h"
#include "bochs_vbe.h"
#include "edid.h"
#include "painter.h"
#include "registers.h"

namespace backplane::vga {

class Vga final : public PciDevice, public DisplayDevice, public DeviceMemory {
 public:
  static void class_init(PciDeviceClass& k);

  void realize();
  void unrealize();
  void reset() override;
  void loaded() override;

  Screen& screen() override { return screen_; }
  std::vector<std::shared_ptr<RamBlock>> device_memory() const override { return {memory_}; }

 private:
  u64 read_legacy_port(u64 offset, unsigned size);
  void write_legacy_port(u64 offset, u64 value, unsigned size);
  u64 read_dispi_port(u64 offset, unsigned size);
  void write_dispi_port(u64 offset, u64 value, unsigned size);
  u64 read_window(u64 offset, unsigned size);
  void write_window(u64 offset, u64 value, unsigned size);
  u64 read_registers(u64 offset, unsigned size);
  void write_registers(u64 offset, u64 value, unsigned size);

  void change_port(u16 port, u8 value);
  void change_dispi(u16 index, u16 value);
  // Where the window shows memory as it is, the guest has it without us.
  void update_window();
  void load_rom_file();
  void draw();
  void watched(bool by_somebody);

  static constexpr const char* kUsualRom = "vgabios-stdvga.bin";
  std::string rom_file_ = kUsualRom;
  u32 memory_mib_ = 16;
  bool has_edid_ = true;
  u32 width_ = 1280, height_ = 800;

  Registers registers_;
  Edid edid_{};
  std::shared_ptr<RamBlock> memory_;
  std::unique_ptr<MemoryRegion> ports_, dispi_, window_, linear_window_;
  std::optional<Painter> painter_;
  std::optional<DirtyPages> dirty_;
  std::optional<DisplayLog> log_;
  std::vector<u64> last_written_;  // by the log
  bool all_changed_ = true;
  Screen screen_{[this] { draw(); }, [this](bool by_somebody) { watched(by_somebody); }};
};

}  // namespace backplane::vga
