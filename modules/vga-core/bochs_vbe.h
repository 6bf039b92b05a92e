// SPDX-License-Identifier: MIT
// The Bochs VBE extensions: linear modes of any size by eleven 16-bit registers. [bochs-vbe]
#pragma once

#include "backplane/memory.h"
#include "registers.h"

namespace backplane::vga {

// An extended mode as it is shown.
struct VbeMode {
  u32 width = 0, height = 0;  // pixels
  u32 depth = 0;              // bits: 4, 8, 15, 16, 24 or 32
  u32 line_bytes = 0;         // of memory; of four planes together for 4 bits
  u32 start = 0;              // byte of memory
};
VbeMode vbe_mode(const Registers& registers);

u16 read_dispi(const Registers& registers, u16 index, u64 memory_size);
// Enabling a mode clears what it shows of memory, unless the guest asks for it to be kept.
void write_dispi(Registers& registers, u16 index, u16 value, RamBlock& memory);
// Brings registers into what is possible with so much memory; what was loaded may be anything.
void limit_dispi(Registers& registers, u64 memory_size);

}  // namespace backplane::vga
