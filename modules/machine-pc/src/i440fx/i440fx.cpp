// SPDX-License-Identifier: MIT
#include "i440fx/i440fx.h"

#include <array>

#include "backplane/machine.h"

namespace backplane::pc {

// Function 00.0. What it says of the legacy memory areas is the bridge's to pass on; its other
// registers are kept, so that software finds what it wrote. [440FX "PCI Configuration Registers"]
class I440fx final : public PciDevice {
 public:
  static void class_init(PciDeviceClass& k) {
    k.identity = {.vendor = 0x8086, .device = 0x1237, .revision = 0x02, .class_code = 0x06'00'00};
    k.stateless();
  }

  void realize() {
    config().set16(kPmcConfig, 0);
    config().set_writable16(kPmcConfig, 0x40c0);
    for (unsigned at = kPam; at < kPam + kPamCount; ++at) config().set_writable8(at, 0x77);
    config().set8(kSmram, 0x02);
    config().set_writable8(kSmram, 0x7f);
  }

  void reset() override {
    PciDevice::reset();
    for (unsigned n = 0; n < kAreas; ++n) report(n);
  }

  void loaded() override {
    PciDevice::loaded();
    for (unsigned n = 0; n < kAreas; ++n) report(n);
  }

  void config_write(unsigned offset, u32 value, unsigned size) override {
    std::array<I440fxHostBridge::LegacyArea, kAreas> before;
    for (unsigned n = 0; n < kAreas; ++n) before[n] = area(n);
    PciDevice::config_write(offset, value, size);
    const MemoryRegion::Batch batch;
    for (unsigned n = 0; n < kAreas; ++n)
      if (area(n) != before[n]) report(n);
  }

  void set_bridge(I440fxHostBridge& bridge) { bridge_ = &bridge; }

 private:
  static constexpr unsigned kPmcConfig = 0x50, kPam = 0x59, kPamCount = 7, kSmram = 0x72;
  // The upper half of the first register, then both halves of the others.
  static constexpr unsigned kAreas = 13;
  static constexpr u64 kFirstArea = 0xc0000, kAreaSize = 16_KiB, kBiosArea = 0xf0000;

  I440fxHostBridge::LegacyArea area(unsigned n) {
    const unsigned at = kPam + (n + 1) / 2;
    const unsigned bits = config().get8(at) >> ((n + 1) % 2 * 4);
    I440fxHostBridge::LegacyArea a{.address = kFirstArea + (n - 1) * kAreaSize,
                                   .size = kAreaSize,
                                   .reads_ram = (bits & 1) != 0,
                                   .writes_ram = (bits & 2) != 0};
    if (n == 0) {
      a.address = kBiosArea;
      a.size = 64_KiB;
    }
    return a;
  }
  void report(unsigned n) {
    if (bridge_ != nullptr && bridge_->legacy_area_handler_) bridge_->legacy_area_handler_(area(n));
  }

  I440fxHostBridge* bridge_ = nullptr;
};
BACKPLANE_TYPE(I440fx, "i440FX", .category = "Bridge", .board_only = true,
               .description = "i440FX host bridge (PMC), function 00.0")

BACKPLANE_REGISTER(I440fxHostBridge, .category = "Bridge", .board_only = true,
                   .description = "i440FX PCI host bridge")

void I440fxHostBridge::realize() {
  Device& function = machine().create_device("i440FX", {{"addr", "00.0"}}, &pci_bus());
  dynamic_cast<I440fx&>(function).set_bridge(*this);
}

}  // namespace backplane::pc
