// SPDX-License-Identifier: MIT
// The VGA's registers as the guest reads and writes them.
#pragma once

#include <array>
#include <span>

#include "backplane/state.h"
#include "vga_regs.h"

namespace backplane::vga {

// What all parts of the chip work from. Any values are possible: they come from the guest.
struct Registers {
  u8 misc = 0;
  u8 feature = 0;
  u8 status1 = 0;
  u8 sequencer_index = 0;
  std::array<u8, kSequencerCount> sequencer{};
  u8 graphics_index = 0;
  std::array<u8, kGraphicsCount> graphics{};
  u8 crtc_index = 0;
  std::array<u8, kCrtcCount> crtc{};
  u8 attribute_index = 0;
  bool attribute_data_next = false;  // at 3C0h
  std::array<u8, kAttributeCount> attribute{};
  u8 dac_mask = 0xff;
  u8 dac_read_index = 0;
  u8 dac_write_index = 0;
  bool dac_reading = false;
  u8 dac_component = 0;           // 0 to 2: the next one at 3C9h
  std::array<u8, 2> dac_given{};  // those written before it
  std::array<u8, 768> dac{};
  bool dac_8bit = false;
  u32 latch = 0;  // a byte for each plane
  u16 dispi_index = 0;
  std::array<u16, kDispiCount> dispi{kDispiId5};

  static std::span<const StateMember> members();

  bool vbe_enabled() const { return (dispi[kDispiEnable] & kDispiEnabled) != 0; }
  bool chain4() const { return (sequencer[kMemoryMode] & kChain4) != 0; }
  // What the window at A0000h is moved by, bytes of memory.
  u32 bank_offset() const { return vbe_enabled() ? u32{dispi[kDispiBank]} << 16 : 0; }
};

// A port from 3B0h to 3DFh.
u8 read_port(Registers& registers, u16 port);
// Returns whether something may look different.
bool write_port(Registers& registers, u16 port, u8 value);

}  // namespace backplane::vga
