// SPDX-License-Identifier: MIT
// Segment, system and gate descriptors as they lie in memory.
// [SDM 3A "Segment Descriptors", "System Descriptor Types", "IDT Descriptors"]
#pragma once

#include "backplane/x86/system.h"

namespace backplane::x86 {

// Types of system descriptors. 16-bit ones do not exist in long mode.
enum SystemType : unsigned {
  kTss16 = 1,
  kLdt = 2,
  kBusyTss16 = 3,
  kCallGate16 = 4,
  kTaskGate = 5,
  kInterruptGate16 = 6,
  kTrapGate16 = 7,
  kTss32 = 9,
  kBusyTss32 = 11,
  kCallGate32 = 12,
  kInterruptGate32 = 14,
  kTrapGate32 = 15,
};

struct Descriptor {
  u64 low = 0;
  u64 high = 0;     // of the 16-byte forms of long mode
  u64 address = 0;  // linear address of the first byte

  unsigned type() const { return static_cast<unsigned>(low >> 40) & 0xf; }
  bool is_system() const { return ((low >> 44) & 1) == 0; }
  unsigned dpl() const { return static_cast<unsigned>(low >> 45) & 3; }
  bool present() const { return ((low >> 47) & 1) != 0; }

  bool is_code() const { return !is_system() && (type() & 8) != 0; }
  bool is_data() const { return !is_system() && (type() & 8) == 0; }
  bool conforming() const { return is_code() && (type() & 4) != 0; }
  bool readable() const { return is_data() || (is_code() && (type() & 2) != 0); }
  bool writable() const { return is_data() && (type() & 2) != 0; }
  bool accessed() const { return (type() & 1) != 0; }
  bool long_mode() const { return ((low >> 53) & 1) != 0; }
  bool big() const { return ((low >> 54) & 1) != 0; }

  u32 limit() const {
    const u32 raw = static_cast<u32>(low & 0xffff) | (static_cast<u32>(low >> 32) & 0xf0000);
    return ((low >> 55) & 1) != 0 ? (raw << 12) | 0xfff : raw;
  }
  u64 base() const { return ((low >> 16) & 0xffffff) | ((low >> 32) & 0xff000000) | (high << 32); }
  Segment segment(u16 selector) const {
    return {.selector = selector,
            .attributes = static_cast<u16>((low >> 40) & 0xf0ff),
            .limit = limit(),
            .base = base()};
  }

  u16 gate_selector() const { return static_cast<u16>(low >> 16); }
  unsigned gate_ist() const { return static_cast<unsigned>(low >> 32) & 7; }
  unsigned gate_parameters() const { return static_cast<unsigned>(low >> 32) & 31; }
  bool gate_is_16bit() const { return (type() & 8) == 0; }
  u64 gate_offset() const {
    const u64 low16 = low & 0xffff;
    if (gate_is_16bit()) return low16;
    return low16 | ((low >> 32) & 0xffff0000) | (high << 32);
  }
};

constexpr bool is_null(u16 selector) { return (selector & ~3) == 0; }
// The part of an error code that names a selector.
constexpr u32 error_of(u16 selector) { return selector & 0xfffcu; }

constexpr bool is_canonical(u64 address) {
  return static_cast<u64>(static_cast<i64>(address << 16) >> 16) == address;
}

// Reads the descriptor a selector names; false if it lies beyond its table's limit. In long mode
// call read_upper_half() for system descriptors.
bool find_descriptor(Context c, u16 selector, Descriptor& d);
// The second eight bytes; false if they lie beyond the table's limit.
bool read_upper_half(Context c, u16 selector, Descriptor& d);

// Real mode keeps limit and size, so that "unreal" segments stay as they are.
inline void load_real(X86State& s, SegReg reg, u16 selector) {
  Segment& segment = s.seg[reg];
  segment.selector = selector;
  segment.base = u64{selector} << 4;
  segment.attributes = static_cast<u16>((segment.attributes & 0xf000) | 0x93);
}

// Sets the accessed bit in memory and in `d`.
void mark_accessed(Context c, Descriptor& d);
// Sets or clears the busy bit of a TSS descriptor in memory.
void set_busy(Context c, const Descriptor& d, bool busy);

// True if [offset, offset+size) lies within a segment, expand-down ones included.
bool within_limit(const Segment& segment, u64 offset, unsigned size);

// A writable stack segment for privilege level `cpl`. Faults: `vector` (#TS or #GP) with the
// selector if it is no such segment, #SS if it is not present; `external` is ORed into the code.
Segment checked_stack_segment(Context c, u16 selector, unsigned cpl, u8 vector, u32 external);

// Stack segment and pointer for an inner privilege level, from the 16- or 32-bit TSS.
struct InnerStack {
  Segment segment;
  u64 pointer;
};
InnerStack inner_stack(Context c, unsigned cpl, u32 external);
// RSP for an inner privilege level (0 to 2), or IST entry 1 to 7, from the 64-bit TSS.
u64 inner_stack64(Context c, unsigned cpl, u32 external);
u64 interrupt_stack64(Context c, unsigned ist, u32 external);

// SS as 64-bit mode has it after a change of privilege: null, with a descriptor cache that keeps
// the privilege level.
Segment null_stack_segment(unsigned cpl);

// Makes DS, ES, FS and GS null where the new, outer level may not use them, or where they are null
// with a privilege level in the selector. [SDM 2A "IRET/IRETD/IRETQ-Interrupt Return"]
void drop_inner_segments(X86State& s);

}  // namespace backplane::x86
