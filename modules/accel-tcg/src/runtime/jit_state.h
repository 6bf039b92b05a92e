// SPDX-License-Identifier: MIT
// What translated code reaches beside the architectural state: the software TLB, the jump cache,
// and a few scalars. It lies right behind X86State, so that one register (the host's RSP, which
// points at the X86State while translated code runs) addresses both.
#pragma once

#include <atomic>
#include <cstddef>

#include "backplane/x86/cpu.h"

namespace backplane::tcg {

using x86::X86Cpu;
using x86::X86State;

class TcgVcpu;

// Rights under which a memory access is made; selects the TLB. User pages seen by the kernel with
// RFLAGS.AC set have a TLB of their own, so that SMAP costs nothing.
enum MmuIndex : u8 { kMmuKernel = 0, kMmuUser = 1, kMmuKernelAc = 2 };
constexpr unsigned kMmuCount = 3;

constexpr unsigned kTlbBits = 12;
constexpr unsigned kTlbEntries = 1u << kTlbBits;

// One translation. A tag is the page's linear address; an access hits if (address ^ tag) is at
// most 4096 - size, which also sends page-crossing accesses to the slow path. An unusable tag
// differs from its entry's own index bits, so that no address can match it.
struct TlbEntry {
  u64 read_tag;
  u64 write_tag;
  u64 exec_tag;
  u64 host;  // host address of the page
};
static_assert(sizeof(TlbEntry) == 32);
constexpr unsigned kTlbEntryShift = 5;

constexpr unsigned tlb_index(u64 linear) { return (linear >> 12) & (kTlbEntries - 1); }
constexpr u64 unusable_tag(unsigned index) { return u64{index ^ 1} << 12; }

// Where code of a linear address is: the tag is that, exclusive-or JitState::jump_generation. One
// line of the host's cache has all that a jump needs.
struct JumpEntry {
  u64 tag;
  u64 code;  // the block's entry
};
static_assert(sizeof(JumpEntry) == 16);
constexpr unsigned kJumpEntryShift = 4;
constexpr unsigned kJumpCacheBits = 14;
constexpr unsigned kJumpCacheEntries = 1u << kJumpCacheBits;
constexpr u32 kJumpCacheMultiplier = 0x9e3779b1;
constexpr unsigned jump_cache_index(u64 linear) {
  return (static_cast<u32>(linear) * kJumpCacheMultiplier) >> (32 - kJumpCacheBits);
}

constexpr std::size_t kBounceSize = 1024;

// A store whose bytes are in two pages: it is done to memory of ours, and then copied.
struct SplitStore {
  u8* bounce;
  u8* low;   // where its first bytes belong
  u8* high;  // and the others
  u32 in_low, size;
};

struct JitState {
  // Set (any thread) to make translated code leave at the next block boundary.
  std::atomic<u32> exit_request;
  // An interrupt waits for RFLAGS.IF; code that sets it has to leave.
  u32 interrupt_waiting;
  // Instructions still to run under instruction counting; blocks subtract their length on entry.
  i32 budget;
  // Guest arithmetic flags where they are not in the host's: LAHF's byte in bits 8-15, OF in 0.
  u64 saved_flags;
  // Where string instructions go on: 1, or -1 if RFLAGS.DF is set.
  i64 direction;
  // Translated code was left where a block begins: saved_flags may be those of an earlier
  // instruction if the block overwrites them.
  u32 flags_stale;
  // Linear address of the page that the running block lies in.
  u64 page_base;
  // The last x87 instruction that was not a control instruction: the linear address of its page,
  // its place there and opcode as X87Place packs them, and its operand. (What the host's processor
  // remembers are host addresses.)
  u64 x87_page;
  u64 x87_operand;
  u32 x87_place;
  // The base of CS (0 in 64-bit code), and the bits that an instruction pointer has.
  u64 code_base;
  u64 pointer_mask;
  // Exclusive-or masks of jump cache tags, for the code of each TLB; a new generation forgets
  // every entry.
  u64 jump_generation[kMmuCount];
  // The same for the inline caches of jumps between pages, unique among all vCPUs.
  u64 site_generation[kMmuCount];
  // PEXT masks: TLB index of an address; everything but the offset in a page; that offset.
  u64 index_mask;
  u64 page_mask;
  u64 offset_mask;
  u64 slow_linear;  // of the access whose slow path runs
  u64 slow_descriptor;
  u64 saved_scratch;  // a scratch register across slow paths
  const u8* resume;   // where a slow memory access goes on instead, or null
  u64 host_rsp;       // host stack of the thread while translated code runs
  u32 host_mxcsr;
  u32 guest_mxcsr;   // while C++ runs that leaves X86State::xsave alone
  u32 fault_offset;  // of the instruction that faulted natively, in its page
  TcgVcpu* vcpu;
  SplitStore split;
  // Where slow-path helpers put the bytes of an access that no host page can serve.
  alignas(64) u8 bounce[kBounceSize];
  // The same alignment as the guest's address, for instructions that check it, and room before.
  u8* bounce_for(u64 linear) { return bounce + 64 + (linear & 63); }
  alignas(64) u8 vectors[16 * 32];  // the guest's, while such C++ runs
  alignas(64) JumpEntry jumps[kJumpCacheEntries];
  alignas(64) TlbEntry tlb[kMmuCount][kTlbEntries];
};
static_assert(sizeof(JitState) <= X86Cpu::kScratchAbove - X86Cpu::kScratchOffset);

inline JitState& jit_state(X86Cpu& cpu) { return *static_cast<JitState*>(cpu.scratch()); }

// Displacement of a JitState field from the state pointer.
#define BACKPLANE_JIT_OFFSET(field) \
  static_cast<int>(X86Cpu::kScratchOffset + offsetof(::backplane::tcg::JitState, field))

struct X87Place {
  static constexpr u32 kOffsetMask = 0xffff;
  static constexpr unsigned kOpcodeShift = 16;
  static constexpr u32 kLinear = u32{1} << 31;  // x87_page is a linear address, else a pointer
  static constexpr u32 make(unsigned offset, u16 opcode) {
    return offset | u32{opcode} << kOpcodeShift | kLinear;
  }
};

// Flags in the form LAHF and SETO leave them: AH in bits 8-15, OF in bit 0.
constexpr u64 flags_to_saved(u64 rflags) {
  return ((rflags & 0xd5) | 2) << 8 | ((rflags >> 11) & 1);
}
inline void load_flags(JitState& jit, u64 rflags) {
  jit.saved_flags = flags_to_saved(rflags);
  jit.direction = (rflags & x86::kDF) != 0 ? -1 : 1;
}
constexpr u64 flags_from_saved(u64 saved) { return ((saved >> 8) & 0xd5) | (saved & 1) << 11; }

}  // namespace backplane::tcg
