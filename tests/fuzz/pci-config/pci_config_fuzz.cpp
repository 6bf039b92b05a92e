// SPDX-License-Identifier: MIT
// Configuration space and BARs under a guest that writes anything anywhere. Nothing may crash or
// hang; what identifies a function must stay as it is.
#include "../input.h"
#include "backplane/pci/host_bridge.h"
#include "backplane/testing/pci_driver.h"
#include "backplane/testing/test_machine.h"

namespace backplane::fuzz {
namespace {

using testing::PciDriver;
using testing::TestMachine;

// A function with a BAR of each kind, MSI, MSI-X and a ROM.
class FullDevice final : public PciDevice {
 public:
  static void class_init(PciDeviceClass& k) {
    k.identity = {.vendor = 0x1b36, .device = 0x00f1, .class_code = 0xff'00'00};
    k.interrupt_pin = 2;
  }

  void realize() {
    const MmioHandler handler = MmioHandler::of<&FullDevice::read, &FullDevice::write>(*this);
    add_bar(0, 4_KiB, handler);
    add_bar(1, 64, handler, BarType::Io);
    add_bar(2, 8_GiB, handler, BarType::Memory64Prefetchable);
    add_msix(4, 70);
    add_msi(8);
    add_rom(std::make_shared<RamBlock>("rom", 4_KiB));
  }

 private:
  u64 read(u64 offset, unsigned size) {
    if (offset + size > 8_GiB) __builtin_trap();
    return offset;
  }
  // What is written chooses which interrupt is signalled.
  void write(u64 /*offset*/, u64 value, unsigned /*size*/) {
    msix()->notify(static_cast<unsigned>(value % 80));
    msi()->notify(static_cast<unsigned>(value % 16));
    set_intx((value & 1) != 0);
  }
};
BACKPLANE_TYPE(FullDevice, "fuzz-full-pci")

class Router final : public PciIrqRouter {
 public:
  void set_pirq(unsigned pirq, bool level) override {
    if (pirq >= kPirqs || levels[pirq] == level) __builtin_trap();
    levels[pirq] = level;
  }
  bool levels[kPirqs] = {};
};

void access(AddressSpace& space, u64 address, u8 how, u64 value) {
  const u64 size = u64{1} << (how & 3);
  if ((how & 0x80) != 0)
    space.write(address, &value, size);
  else
    space.read(address, &value, size);
}

void run(Input input) {
  Router router;
  TestMachine machine(1_MiB);
  auto& bridge = dynamic_cast<PciHostBridge&>(machine.create_device("pci-host-bridge"));
  bridge.pci_bus().set_irq_router(router);
  machine.add_device("fuzz-full-pci", "", "", {{"addr", "03"}, {"multifunction", "on"}});
  machine.add_device("virtio-rng-pci", "", "", {{"addr", "03.1"}});
  machine.add_device("virtio-balloon-pci", "", "", {{"addr", "04"}, {"disable-legacy", "on"}});
  machine.power_on();

  struct Function {
    PciDriver driver;
    u64 identity;
    u32 class_and_revision;
  };
  std::vector<Function> functions;
  for (const auto& [slot, function] :
       {std::pair{0U, 0U}, std::pair{3U, 0U}, std::pair{3U, 1U}, std::pair{4U, 0U}}) {
    PciDriver driver(machine, slot, function);
    functions.push_back({driver, driver.read32(pci::kVendorId), driver.read32(pci::kRevisionId)});
  }

  while (!input.empty()) {
    PciDriver& driver = functions[input.take<u8>() % functions.size()].driver;
    const u8 how = input.take<u8>();
    switch (input.take<u8>() % 8) {
      case 0:
      case 1:
        driver.write32(input.take<u8>() & 0xfc, input.take<u32>());
        break;
      case 2:
        driver.write16(input.take<u8>() & 0xfe, input.take<u16>());
        break;
      case 3:
        driver.write8(input.take<u8>(), input.take<u8>());
        break;
      case 4:
        driver.write16(pci::kCommand, input.take<u8>());
        break;
      case 5: {
        const unsigned bar = input.take<u8>() % 6;
        access((how & 4) != 0 ? machine.io() : machine.memory(),
               driver.bar_address(bar) + input.take<u16>() % 0x4100, how, input.take<u64>());
        break;
      }
      case 6:
        access(machine.io(), 0xcf8 + input.take<u8>() % 8, how, input.take<u32>());
        break;
      default:
        if (how < 8)
          machine.run_control().reset();
        else
          access(machine.memory(), input.take<u64>(), how, input.take<u64>());
        break;
    }
  }
  for (Function& f : functions)
    if (f.driver.read32(pci::kVendorId) != f.identity ||
        f.driver.read32(pci::kRevisionId) != f.class_and_revision)
      __builtin_trap();
}

}  // namespace
}  // namespace backplane::fuzz

extern "C" int LLVMFuzzerTestOneInput(const backplane::u8* data, std::size_t size) {
  backplane::fuzz::run({data, size});
  return 0;
}
