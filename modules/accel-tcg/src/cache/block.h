// SPDX-License-Identifier: MIT
// A translated block: where its guest bytes are, where its host code is, and how it is linked.
#pragma once

#include <vector>

#include "backplane/types.h"

namespace backplane::tcg {

// How addresses of a segment are checked. [SDM 3A "Segment Limit Checking"]
enum class SegmentKind : u8 {
  Unusable,  // what cannot be translated: not loaded, read-only, a limit of its own
  Flat,      // base 0, 4 GiB
  Based,     // 4 GiB
  Small,     // 64 KiB at least, as in real mode: what lies above is the interpreter's
};

// What besides the bytes decides how code is translated.
struct Mode {
  u32 bits = 0;
  static constexpr u32 kMmuMask = 3;     // MmuIndex
  static constexpr u32 kX87 = 1 << 2;    // CR0.EM and TS clear: x87 and MMX run
  static constexpr u32 kSse = 1 << 3;    // and CR4.OSFXSR
  static constexpr u32 kAvx = 1 << 4;    // and XCR0 says so
  static constexpr u32 kRing0 = 1 << 5;  // CPL 0
  static constexpr u32 kTsc = 1 << 6;    // RDTSC may run as itself
  static constexpr u32 kSmap = 1 << 7;   // CR4.SMAP: RFLAGS.AC selects the TLB
  static constexpr u32 kApart = 1 << 8;  // memory accesses are checked one by one
  static constexpr u32 kCode32 = 1 << 9;
  static constexpr u32 kCode16 = 1 << 10;
  static constexpr u32 kCodeBased = 1 << 11;  // CS has a base, or not 4 GiB
  static constexpr u32 kStack16 = 1 << 12;    // the stack pointer is SP
  static constexpr u32 kFerr = 1 << 13;       // CR0.NE clear: the board hears of x87 exceptions
  static constexpr u32 kSegmentShift = 14;    // SegmentKind of ES, CS, SS, DS, FS, GS: 12 bits
  static constexpr u32 kFsGsBase = 1 << 26;   // CR4.FSGSBASE
  static constexpr u32 kSplit = 1 << 27;      // one store, to JitState::split

  unsigned mmu_index() const { return bits & kMmuMask; }
  bool user() const { return (bits & kMmuMask) == 1; }
  bool apart() const { return (bits & kApart) != 0; }
  bool split() const { return (bits & kSplit) != 0; }
  bool has(u32 which) const { return (bits & which) != 0; }
  unsigned code_bits() const { return has(kCode32) ? 32 : has(kCode16) ? 16 : 64; }
  bool code64() const { return (bits & (kCode32 | kCode16)) == 0; }
  SegmentKind segment(unsigned number) const {
    return static_cast<SegmentKind>(bits >> (kSegmentShift + 2 * number) & 3);
  }
  void set_segment(unsigned number, SegmentKind kind) {
    bits |= static_cast<u32>(kind) << (kSegmentShift + 2 * number);
  }
  // True if the stack pointer is an address as it is.
  bool flat_stack() const {
    return code64() || (segment(2) == SegmentKind::Flat && !has(kStack16));
  }
};

struct Block;

// A direct jump of a block to another guest address.
struct JumpSite {
  Block* from = nullptr;
  Block* to = nullptr;            // linked to, or null
  u32 jump = 0;                   // offset of the jump's displacement
  u32 unlinked = 0;               // offset of the code it goes to while not linked
  u32 tag = 0;                    // offset of the inline cache's tag; 0: target in the same page
  i32 target = 0;                 // guest address relative to the block's page
  const u8* target_pc = nullptr;  // first byte of what it was linked to first, in host memory
  u32 index = 0;                  // in the sites of the cache
  u32 next_incoming = 0;          // index + 1
  bool apart = false;             // to a block of Mode::kApart
};

// Host code position and the guest instruction it belongs to.
struct CodePoint {
  u32 host;
  u16 guest;  // offset in the page
  u16 index;  // of the instruction in the block
  // Where the guest's flags are if the host's instruction there faults: one of these, or the place
  // of code that makes them and goes on in the interpreter.
  u32 flags;
  static constexpr u32 kFlagsInMemory = 0, kFlagsInHost = 1;
};

struct Block {
  const u8* host_pc = nullptr;      // first guest byte, in host memory
  const u8* second_page = nullptr;  // host page of the bytes past the page end, if any
  Mode mode;
  u16 offset = 0;  // in the page
  u16 size = 0;    // guest bytes
  u16 instructions = 0;
  bool valid = true;
  u32 begin = 0, end = 0;            // host code
  u32 cold_begin = 0, cold_end = 0;  // and what of it runs rarely
  u32 retired_entry = 0;             // looks the address up again
  u32 entry = 0;                     // JitState::page_base is its page's linear address
  u32 behind_check = 0;              // of the entry: whether to leave is not asked
  u32 first_incoming = 0;            // index + 1 of a JumpSite
  u32 first_point = 0, points = 0;
};

}  // namespace backplane::tcg
