// SPDX-License-Identifier: MIT
// A standard VGA with Bochs VBE extensions, whatever the bus: its memory, which a device shows to
// the guest as it likes, its legacy ports and window, and its registers once more:
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
#include <string>
#include <vector>

#include "backplane/dirty_log.h"
#include "backplane/display.h"
#include "backplane/memory.h"
#include "bochs_vbe.h"
#include "edid.h"
#include "painter.h"
#include "registers.h"

namespace backplane::vga {

struct VgaSettings {
  u32 memory_mib = 16;
  bool edid = true;                // its monitor says what it is
  u32 width = 1280, height = 800;  // that its monitor likes, pixels
};

class VgaCore {
 public:
  static constexpr u64 kRegistersSize = 4_KiB;

  // Throws Error that begins with the property that is wrong: vgamem_mb, xres or yres.
  VgaCore(Registers& registers, AddressSpace& space, MemoryRegion& memory_space,
          MemoryRegion& io_space, const std::string& memory_name, const VgaSettings& settings);

  const std::shared_ptr<RamBlock>& memory() const { return memory_; }
  // Of the registers above.
  MmioHandler registers_handler();

  // The registers were reset, or loaded; what was loaded may be anything.
  void registers_reset();
  void registers_loaded();

  // Draws what may have changed.
  void draw(Screen& screen);
  // All of it has to be drawn.
  void expose() { all_changed_ = true; }
  void watched(bool by_somebody);

 private:
  u64 read_legacy_port(u64 offset, unsigned size);
  void write_legacy_port(u64 offset, u64 value, unsigned size);
  u64 read_dispi_port(u64 offset, unsigned size);
  void write_dispi_port(u64 offset, u64 value, unsigned size);
  u64 read_window(u64 offset, unsigned size);
  void write_window(u64 offset, u64 value, unsigned size);
  u64 debug_read_window(u64 offset, unsigned size);
  void debug_write_window(u64 offset, u64 value, unsigned size);
  u64 read_registers(u64 offset, unsigned size);
  void write_registers(u64 offset, u64 value, unsigned size);

  void change_port(u16 port, u8 value);
  void change_dispi(u16 index, u16 value);
  // Where the window shows memory as it is, the guest has it without us.
  void update_window();

  Registers& registers_;
  AddressSpace& space_;
  MemoryRegion& memory_space_;
  Edid edid_{};
  std::shared_ptr<RamBlock> memory_;
  std::unique_ptr<MemoryRegion> ports_, dispi_, window_, linear_window_;
  std::optional<DebugAccess> debug_window_;
  std::optional<Painter> painter_;
  std::optional<DirtyPages> dirty_;
  std::optional<DisplayLog> log_;
  std::vector<u64> last_written_;  // by the log
  bool all_changed_ = true;
};

}  // namespace backplane::vga
