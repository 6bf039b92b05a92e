// SPDX-License-Identifier: MIT
#include "vga_device.h"

#include "backplane/machine.h"
#include "backplane/pci/pci_bus.h"
#include "vga_rom.h"

namespace backplane::vga {

BACKPLANE_TYPE(Vga, "VGA", .category = "Display",
               .description = "Standard VGA with Bochs VBE extensions")

void Vga::class_init(PciDeviceClass& k) {
  k.identity = {.vendor = 0x1234,
                .device = 0x1111,
                .revision = 2,
                .class_code = 0x03'00'00,
                .subsystem_vendor = 0x1af4,
                .subsystem = 0x1100};
  k.hotpluggable = false;
  k.property<&Vga::rom_file_>("romfile", "file with the expansion ROM; empty: there is none");
  k.property<&Vga::memory_mib_>("vgamem_mb", "MiB of video memory, a power of two from 1 to 256");
  k.property<&Vga::has_edid_>("edid", "its monitor says what it is");
  k.property<&Vga::width_>("xres", "pixels that the monitor is wide");
  k.property<&Vga::height_>("yres", "pixels that the monitor is high");
  k.state<&Vga::registers_>(1);
}

void Vga::realize() {
  core_.emplace(
      registers_, machine().memory(), pci_bus().memory_space(), pci_bus().io_space(),
      fmt::format("{:02x}.vga.vram", devfn()),
      VgaSettings{
          .memory_mib = memory_mib_, .edid = has_edid_, .width = width_, .height = height_});
  load_vga_rom(*this, rom_file_, kUsualRom);
  const std::shared_ptr<RamBlock>& memory = core_->memory();
  add_bar(0, MemoryRegion::ram("vga.vram", memory, 0, memory->size()));
  add_bar(2, VgaCore::kRegistersSize, core_->registers_handler());
}

void Vga::unrealize() { core_.reset(); }

void Vga::reset() {
  PciDevice::reset();
  core_->registers_reset();
}

void Vga::loaded() {
  PciDevice::loaded();
  core_->registers_loaded();
}

}  // namespace backplane::vga
