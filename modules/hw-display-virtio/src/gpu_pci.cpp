// SPDX-License-Identifier: MIT
// "virtio-gpu-pci", and "virtio-vga", which is a standard VGA as well until a driver shows
// something: BAR 0 is its memory, BAR 2 its registers.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backplane/device_memory.h"
#include "backplane/machine.h"
#include "backplane/pci/pci_bus.h"
#include "backplane/virtio/virtio_pci.h"
#include "gpu_device.h"
#include "vga_core.h"
#include "vga_rom.h"

namespace backplane {

namespace {

class VirtioGpuPci final : public VirtioPci {
 public:
  static constexpr const char* kDevice = VirtioGpu::kTypeName;
  static constexpr u32 kClassCode = 0x03'80'00;  // other display controller

  static void class_init(PciDeviceClass& k) { init_class(k, kDevice, kClassCode); }
  VirtioGpuPci() : VirtioPci(kDevice) {}
};
BACKPLANE_TYPE(VirtioGpuPci, "virtio-gpu-pci", .category = "Display",
               .description = "Screen on virtio")

class VirtioVga final : public VirtioPci, public DeviceMemory, private Underlay {
 public:
  static constexpr const char* kDevice = VirtioGpu::kTypeName;
  static constexpr u32 kClassCode = 0x03'00'00;  // VGA-compatible

  static void class_init(PciDeviceClass& k) {
    init_class(k, kDevice, kClassCode);
    k.hotpluggable = false;
    k.property<&VirtioVga::rom_file_>("romfile",
                                      "file with the expansion ROM; empty: there is none");
    k.property<&VirtioVga::memory_mib_>("vgamem_mb",
                                        "MiB of the VGA's memory, a power of two from 1 to 256");
    k.state<&VirtioVga::registers_>(1);
  }

  VirtioVga() : VirtioPci(kDevice) {}

  void realize() {
    core_.emplace(registers_, machine().memory(), pci_bus().memory_space(), pci_bus().io_space(),
                  fmt::format("{:02x}.vga.vram", devfn()),
                  vga::VgaSettings{.memory_mib = memory_mib_,
                                   .edid = gpu().has_edid(),
                                   .width = gpu().width(),
                                   .height = gpu().height()});
    vga::load_vga_rom(*this, rom_file_, kUsualRom);
    const std::shared_ptr<RamBlock>& memory = core_->memory();
    add_bar(0, MemoryRegion::ram("vga.vram", memory, 0, memory->size()));
    add_bar(2, vga::VgaCore::kRegistersSize, core_->registers_handler());
    gpu().set_underlay(this);
  }

  void unrealize() {
    gpu().set_underlay(nullptr);
    core_.reset();
  }

  void reset() override {
    VirtioPci::reset();
    core_->registers_reset();
  }

  void loaded() override {
    VirtioPci::loaded();
    core_->registers_loaded();
  }

  std::vector<std::shared_ptr<RamBlock>> device_memory() const override {
    return {core_->memory()};
  }

 private:
  VirtioGpu& gpu() const { return dynamic_cast<VirtioGpu&>(device()); }

  void draw(Screen& screen) override { core_->draw(screen); }
  void expose() override { core_->expose(); }
  void watched(bool by_somebody) override { core_->watched(by_somebody); }

  static constexpr const char* kUsualRom = "vgabios-virtio.bin";
  std::string rom_file_ = kUsualRom;
  u32 memory_mib_ = 8;
  vga::Registers registers_;
  std::optional<vga::VgaCore> core_;
};
BACKPLANE_TYPE(VirtioVga, "virtio-vga", .category = "Display",
               .description = "Screen on virtio, and a standard VGA without a driver")

}  // namespace

}  // namespace backplane
