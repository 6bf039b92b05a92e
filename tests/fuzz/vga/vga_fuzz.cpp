// SPDX-License-Identifier: MIT
// A VGA under a guest that writes anything to its registers and its windows, and is looked at.
// Nothing may crash, hang, or read beyond its memory.
#include "../input.h"
#include "backplane/display.h"
#include "backplane/testing/pci_driver.h"
#include "backplane/testing/test_machine.h"

namespace backplane::fuzz {
namespace {

constexpr u64 kBar = 0xe0000000, kWindow = 0xa0000;

struct Viewer final : ScreenViewer {
  void changed(const Rectangle& what) override {
    if (what.empty() || what.x + what.width > screen->width() ||
        what.y + what.height > screen->height())
      __builtin_trap();
  }
  void resized() override {}
  void gone() override {}
  Screen* screen = nullptr;
};

void run(Input input) {
  testing::TestMachine machine(512_KiB);
  machine.create_device("pci-host-bridge");
  Device& device =
      machine.add_device("VGA", "", "", {{"addr", "2"}, {"romfile", ""}, {"vgamem_mb", "1"}});
  machine.power_on();
  testing::PciDriver pci(machine, 2);
  pci.assign_bars(kBar, 0xc000);
  const u64 memory = pci.bar_address(0), registers = pci.bar_address(2);
  Viewer viewer;
  viewer.screen = &dynamic_cast<DisplayDevice&>(device).screen();
  viewer.screen->add_viewer(viewer);
  unsigned draws = 0;
  while (!input.empty()) {
    const u8 what = input.take<u8>();
    switch (what % 12) {
      case 0:
      case 1:
        machine.io().store<u8>(0x3b0 + input.take<u8>() % 0x30, input.take<u8>());
        break;
      case 2: {
        constexpr u16 kIndexed[] = {0x3c4, 0x3ce, 0x3d4, 0x3b4};
        machine.io().store<u16>(kIndexed[input.take<u8>() % 4], input.take<u16>());
        break;
      }
      case 3:
        machine.io().load<u8>(0x3b0 + input.take<u8>() % 0x30);
        break;
      case 4:
      case 5:
        machine.io().store<u16>(0x1ce, input.take<u8>() % 12);
        machine.io().store<u16>(0x1cf, (what & 0x80) != 0 ? input.take<u16>() : input.take<u8>());
        break;
      case 6:
        machine.memory().store<u32>(kWindow + input.take<u32>() % 0x20000, input.take<u32>());
        break;
      case 7:
        machine.memory().load<u32>(kWindow + input.take<u32>() % 0x20000);
        break;
      case 8:
        machine.memory().store<u16>(registers + input.take<u16>() % 0x620, input.take<u16>());
        break;
      case 9:
        machine.memory().load<u32>(registers + input.take<u16>() % 0x620);
        break;
      case 10:
        machine.memory().store<u32>(memory + input.take<u32>() % 0x100000, input.take<u32>());
        break;
      default:
        if (what > 0xf0)
          machine.run_control().reset();
        else if (++draws < 20)
          viewer.screen->refresh();
        break;
    }
  }
  viewer.screen->refresh();
  viewer.screen->remove_viewer(viewer);
}

}  // namespace
}  // namespace backplane::fuzz

extern "C" int LLVMFuzzerTestOneInput(const backplane::u8* data, std::size_t size) {
  backplane::fuzz::run({data, size});
  return 0;
}
