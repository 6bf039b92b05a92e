// SPDX-License-Identifier: MIT
// "VGA": a standard VGA as a PCI function. BAR 0 is its memory, BAR 2 its registers (vga_core.h).
// [std-vga]
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backplane/device_memory.h"
#include "backplane/display.h"
#include "backplane/pci/pci_device.h"
#include "vga_core.h"

namespace backplane::vga {

class Vga final : public PciDevice, public DisplayDevice, public DeviceMemory {
 public:
  static void class_init(PciDeviceClass& k);

  void realize();
  void unrealize();
  void reset() override;
  void loaded() override;

  Screen& screen() override { return screen_; }
  std::vector<std::shared_ptr<RamBlock>> device_memory() const override {
    return {core_->memory()};
  }

 private:
  static constexpr const char* kUsualRom = "vgabios-stdvga.bin";
  std::string rom_file_ = kUsualRom;
  u32 memory_mib_ = 16;
  bool has_edid_ = true;
  u32 width_ = 1280, height_ = 800;

  Registers registers_;
  std::optional<VgaCore> core_;
  // Viewers may look until the device is destroyed.
  Screen screen_{[this] {
                   if (core_) core_->draw(screen_);
                 },
                 [this](bool by_somebody) {
                   if (core_) core_->watched(by_somebody);
                 }};
};

}  // namespace backplane::vga
