// SPDX-License-Identifier: MIT
// How host code reaches what the guest's state is made of. Nothing here changes the flags.
#pragma once

#include "cache/block.h"
#include "emit/assembler.h"

namespace backplane::tcg {

// A guest register that lives in the state, into a host register, and back.
inline void load_guest(Assembler& a, u8 host, unsigned guest) {
  a.load_field(host, static_cast<i32>(guest * 8));
}
inline void store_guest(Assembler& a, unsigned guest, u8 host) {
  a.store_field(static_cast<i32>(guest * 8), host);
}
// Any guest register.
void move_guest(Assembler& a, u8 host, unsigned guest);

// Moves the stack pointer by so many bytes. T1 may be lost.
void move_stack_pointer(Assembler& a, Mode mode, i32 by);

HostMemory segment_base(Assembler& a, unsigned number);

// The linear address of an offset in the page, or around it, that the block lies in.
void emit_page_relative(Assembler& a, u8 to, i64 offset);

}  // namespace backplane::tcg
