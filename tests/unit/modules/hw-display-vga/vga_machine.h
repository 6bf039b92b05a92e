// SPDX-License-Identifier: MIT
// A machine with a VGA, RAM that ends below its window, and the software's side of it.
#pragma once

#include <gtest/gtest.h>

#include "backplane/display.h"
#include "backplane/testing/pci_driver.h"
#include "backplane/testing/test_machine.h"

namespace backplane::vga {

constexpr u64 kBar = 0xe0000000;
constexpr u32 kBlack = 0, kWhite = 0xffffff;

struct VgaMachine {
  explicit VgaMachine(std::unique_ptr<Accelerator> accelerator = nullptr,
                      std::vector<std::pair<std::string, std::string>> properties = {})
      : machine(512_KiB, std::move(accelerator)) {
    machine.create_device("pci-host-bridge");
    properties.insert(properties.end(), {{"addr", "2"}, {"romfile", ""}});
    device = &machine.add_device("VGA", "screen", "", properties);
    machine.power_on();
    pci.assign_bars(kBar, 0xc000);
    out(0x3c2, 0x67);  // colour
    // Colour n of the palette is n in the DAC; the first 16 there are told apart by their red.
    for (u8 n = 0; n < 16; ++n) attribute(n, n);
    attribute(0x12, 0x0f);
    out(0x3c8, 0);
    for (u8 n = 0; n < 16; ++n)
      for (const u8 part :
           {n == 15 ? u8{63} : n, n == 15 ? u8{63} : u8{0}, n == 15 ? u8{63} : u8{0}})
        out(0x3c9, part);
  }

  void out(u16 port, u8 value) { machine.io().store<u8>(port, value); }
  u8 in(u16 port) { return machine.io().load<u8>(port); }
  void indexed(u16 port, u8 index, u8 value) {
    machine.io().store<u16>(port, static_cast<u16>(value << 8 | index));
  }
  void sequencer(u8 index, u8 value) { indexed(0x3c4, index, value); }
  void graphics(u8 index, u8 value) { indexed(0x3ce, index, value); }
  void crtc(u8 index, u8 value) { indexed(0x3d4, index, value); }
  void attribute(u8 index, u8 value) {
    in(0x3da);
    out(0x3c0, index);
    out(0x3c0, value);
    out(0x3c0, 0x20);
  }
  void dispi(u16 index, u16 value) {
    machine.io().store<u16>(0x1ce, index);
    machine.io().store<u16>(0x1cf, value);
  }
  u16 dispi(u16 index) {
    machine.io().store<u16>(0x1ce, index);
    return machine.io().load<u16>(0x1cf);
  }
  void poke(u32 address, u8 value) { machine.memory().store<u8>(address, value); }
  u8 peek(u32 address) { return machine.memory().load<u8>(address); }

  // Lines of the screen, and how it is addressed.
  void size(u32 columns, u32 lines, u8 line_repeat = 0) {
    crtc(0x11, 0);
    crtc(0x01, static_cast<u8>(columns - 1));
    crtc(0x12, static_cast<u8>(lines - 1));
    crtc(0x07, static_cast<u8>(0x10 | ((lines - 1) >> 7 & 2) | ((lines - 1) >> 3 & 0x40)));
    crtc(0x18, 0xff);
    crtc(0x09, static_cast<u8>(0x40 | line_repeat));
    crtc(0x13, static_cast<u8>(columns / 2));
    crtc(0x17, 0xe3);
  }

  Screen& screen() { return dynamic_cast<DisplayDevice&>(*device).screen(); }
  u32 pixel(u32 x, u32 y) {
    screen().refresh();
    return screen().row(y)[x];
  }

  testing::TestMachine machine;
  Device* device;
  testing::PciDriver pci{machine, 2};
};

}  // namespace backplane::vga
