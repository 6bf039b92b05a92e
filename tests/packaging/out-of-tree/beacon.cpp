// SPDX-License-Identifier: MIT
// A PCI device whose only register says that it is there.
#include <backplane/pci/pci_device.h>

using namespace backplane;

namespace {

class Beacon final : public PciDevice {
 public:
  static void class_init(PciDeviceClass& k) {
    k.identity = {.vendor = 0x1b36, .device = 0x00f1, .class_code = 0xff0000};
    k.property<&Beacon::value_>("value", "what the register reads as");
    k.stateless();
  }
  void realize() { add_bar(0, 4_KiB, MmioHandler::of<&Beacon::read, &Beacon::write>(*this)); }

 private:
  u64 read(u64 /*offset*/, unsigned /*size*/) { return value_; }
  void write(u64 /*offset*/, u64 /*value*/, unsigned /*size*/) {}

  u32 value_ = 1;
};

BACKPLANE_TYPE(Beacon, "beacon", .category = "Misc", .description = "Says that it is there");

}  // namespace

BACKPLANE_MODULE("hw-beacon", "1.0", "A beacon", "MIT")
