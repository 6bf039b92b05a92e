// SPDX-License-Identifier: MIT
// The legacy window from A0000h to BFFFFh: how the graphics controller takes the guest's bytes to
// the four planes, and back. In memory, the planes of one address lie side by side: a byte each.
// [VGA "Graphics Controller Registers", "Sequencer Registers"]
#pragma once

#include "backplane/memory.h"
#include "registers.h"

namespace backplane::vga {

constexpr u64 kWindowSize = 128_KiB;

// `offset` is from A0000h; the size of memory is a power of two.
u8 read_window(Registers& registers, const RamBlock& memory, u32 offset);
void write_window(Registers& registers, RamBlock& memory, u32 offset, u8 value);

}  // namespace backplane::vga
