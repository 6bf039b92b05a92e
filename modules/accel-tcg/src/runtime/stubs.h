// SPDX-License-Identifier: MIT
// The fixed pieces of host code around translated blocks: the way in and out, and the calls from
// translated code to C++.
//
// Convention inside translated code: see emit/registers.h. A stub that calls C++ first stores the
// guest's registers in the X86State and its vector state in X86State::xsave, so that the callee
// sees the whole architectural state but RIP and the arithmetic flags (JitState::saved_flags).
// XSAVE and XRSTOR take longer than most of what is called: where the callee has nothing to do with
// the x87's and the vector registers (`_general`), the latter are kept in JitState::vectors, by
// moves, and X86State::xsave is what it was.
#pragma once

#include "backplane/memory.h"
#include "decode/insn.h"
#include "runtime/jit_state.h"

namespace backplane::tcg {

// How a slow memory access was meant: its size in bytes, at most kSizeMask, and more.
struct AccessDescriptor {
  static constexpr u32 kSizeMask = 0x3ff;
  static constexpr u32 kWrite = 1 << 10;
  static constexpr u32 kGroup = 1 << 11;  // of several accesses within a page
  static constexpr u32 kMmuShift = 12, kMmuMask = 3;
  // Nothing but a page fault keeps the instruction from this access, of whose operand or, in a
  // group, of whose first, the rest tells: where in the group it is, its size, and whether it is
  // written.
  static constexpr u32 kFaultsAtOnce = 1 << 14;
  static constexpr u32 kFirstWrites = 1 << 15;
  static constexpr u32 kFirstOffsetShift = 16, kFirstOffsetMask = 0x1ff;
  static constexpr u32 kFirstSizeShift = 25, kFirstSizeMask = 0x7f;

  static u32 make(unsigned size, bool write, unsigned mmu_index) {
    return size | (write ? kWrite : 0) | mmu_index << kMmuShift;
  }
  static u32 first(unsigned offset, unsigned size, bool write) {
    return kFaultsAtOnce | (write ? kFirstWrites : 0) | offset << kFirstOffsetShift |
           size << kFirstSizeShift;
  }
  // The access that raises the exception if this one does. Not sure: another instruction or another
  // exception may come first.
  struct Faulting {
    u64 linear;
    bool write, sure;
  };
  static Faulting faulting(u64 linear, u64 descriptor) {
    const u64 at = linear + (descriptor >> kFirstOffsetShift & kFirstOffsetMask);
    const u64 size = descriptor >> kFirstSizeShift & kFirstSizeMask;
    const bool in_page = (at & ~kPageMask) + size <= kPageSize;
    // Wide operands may have to be aligned, which comes first.
    const bool aligned = size <= sizeof(u64) || (at & (size - 1)) == 0;
    return {at, (descriptor & kFirstWrites) != 0,
            (descriptor & kFaultsAtOnce) != 0 && in_page && aligned};
  }
  static MmuIndex mmu_index(u64 descriptor) {
    return static_cast<MmuIndex>(descriptor >> kMmuShift & kMmuMask);
  }
};

// A repeated MOVS or STOS.
struct RepeatForm {
  static constexpr u32 kElementMask = 0xf;  // bytes
  static constexpr u32 kMoves = 1 << 4;
  static constexpr u32 kLengthShift = 8;    // of the instruction
  static constexpr u32 kSegmentShift = 16;  // of the source, plus 1; 0: its base is 0
  static constexpr u32 kAddressShift = 24;  // bits of an address
  // Under instruction counting a part ends after so many bytes, not when the host wants: each part
  // counts as an instruction.
  static constexpr u64 kCountedPart = 1_MiB;
  // Of 64-bit code, with whole addresses and no segment.
  static constexpr bool plain(u32 form) {
    return (form >> kSegmentShift & 0xff) == 0 && form >> kAddressShift == 64;
  }
  static u32 make(const Insn& i, bool moves) {
    return i.string_element() | (moves ? kMoves : 0) | u32{i.length} << kLengthShift |
           u32{i.segment} << kSegmentShift | u32{i.address_bits} << kAddressShift;
  }
};

// An instruction of the kernel that has a function of its own.
struct SystemForm {
  enum Kind : u8 {
    kSyscall,
    kSysret,
    kIret,
    kWriteCr3,
    kInvalidatePage,
    kSave,  // XSAVE and its kin
    kSaveOptimized,
    kSaveCompact,
    kRestore,
    kLoadSegment,
    kCpuid,
    kPopSegment,
    kJumpFar,
    kWriteCr0
  };
  static constexpr u32 kKindMask = 0xff;
  static constexpr u32 kLengthShift = 8;     // of the instruction
  static constexpr u32 kRegisterShift = 16;  // its general register, if it has one
  static constexpr u32 kRegisterMask = 0xf;
  static constexpr u32 kSegmentShift = 20, kSegmentMask = 7;
  static constexpr u32 kWide = 1 << 24;       // with REX.W
  static constexpr u32 kWithValue = 1 << 25;  // its operand's value is in JitState::slow_linear
  static constexpr u32 kNarrow = 1 << 26;     // operands of 16 bits, of 16- and 32-bit code
  static u32 make(const Insn& i, Kind kind) {
    return kind | u32{i.length} << kLengthShift | u32{i.rm} << kRegisterShift |
           (i.reg & kSegmentMask) << kSegmentShift | (i.w ? kWide : 0);
  }
  static u32 pop_selector(const Insn& i) {
    return kPopSegment | u32{i.length} << kLengthShift | i.stack_selector() << kSegmentShift |
           kWithValue | (i.stack_operand_size() == 2 ? kNarrow : 0);
  }
};

// The C++ functions the stubs call. Each returns the host code to go on with, or null to leave.
struct Helpers {
  // A memory access missed the TLB. Returns the host address to use instead (nonzero), or 0 with
  // `*resume` set as the other helpers return it. `return_pc`: host code after the access's call.
  u64 (*memory)(TcgVcpu* vcpu, u64 linear, u64 descriptor, const u8* return_pc, const u8** resume);
  // The same tried first, without the guest's vector registers saved: the host address, or null; or
  // kElsewhere, and JitState::resume is what `system` returns.
  const u8* (*memory_fast)(TcgVcpu* vcpu, u64 linear, u64 descriptor, const u8* return_pc);
  static constexpr u64 kElsewhere = 1;
  // The same where X86State::xsave is not known; *resume may be kRefusedGeneral, too.
  u64 (*memory_general)(TcgVcpu* vcpu, u64 linear, u64 descriptor, const u8* return_pc,
                        const u8** resume);
  // Copies JitState::split to where it belongs.
  void (*commit)(TcgVcpu* vcpu);
  // Executes the instruction at `offset` of the current page by the interpreter.
  const u8* (*interpret)(TcgVcpu* vcpu, u64 unused, u64 offset);
  // The same of an instruction that uses neither x87 nor vector registers, where X86State::xsave is
  // not known. kRefusedGeneral: it has to be known, nothing was done.
  const u8* (*interpret_general)(TcgVcpu* vcpu, u64 unused, u64 offset);
  static constexpr u64 kRefusedGeneral = 1;
  // A REP MOVS or REP STOS of many elements; `form` as RepeatForm packs it.
  const u8* (*repeat)(TcgVcpu* vcpu, u64 form, u64 offset);
  // The same tried first, without the guest's vector registers saved: nonzero if nothing is left to
  // do. If not, it may have done a part.
  u64 (*repeat_fast)(TcgVcpu* vcpu, u64 form, u64 unused);
  // The instruction at `offset`, as SystemForm says, tried without the guest's vector registers
  // saved. Returns where to go on, kSystemRefused if the interpreter has to do it, kSystemDone if
  // it is done and `resume` is to say where to go on.
  u64 (*system)(TcgVcpu* vcpu, u64 form, u64 offset);
  static constexpr u64 kSystemRefused = 0, kSystemDone = 1;
  const u8* (*resume)(TcgVcpu* vcpu, u64 unused, u64 unused2);
  // A jump that is not linked yet was taken; page_base is that of the jumping block.
  const u8* (*link)(TcgVcpu* vcpu, u64 unused, u64 site);
  // link and lookup, tried first without the guest's vector registers saved: where to go on, or
  // null.
  const u8* (*link_fast)(TcgVcpu* vcpu, u64 unused, u64 site);
  const u8* (*lookup_fast)(TcgVcpu* vcpu, u64 linear, u64 unused);
  // Finds the block at a linear address.
  const u8* (*lookup)(TcgVcpu* vcpu, u64 linear, u64 unused);
};

struct Stubs {
  // enter(state, code): runs translated code until it leaves. The guest's state is in X86State.
  void (*enter)(X86State* state, const u8* code) = nullptr;
  u32 memory = 0;             // call; T0 = linear address, T1 = descriptor; gives T0 = host address
  u32 commit = 0;             // call, at the end of a block of Mode::kSplit; T2 is lost
  u32 memory_general = 0;     // of an instruction that uses neither x87 nor vector registers
  u32 interpret = 0;          // jump; T1 = page offset of the instruction
  u32 interpret_general = 0;  // the same of an instruction as that of memory_general
  // call; T0 = RepeatForm, T1 = page offset of the instruction; T2 is lost. Returns if all is done.
  u32 repeat = 0;
  // jump; T0 = SystemForm, T1 = page offset of the instruction. The linear address of an operand
  // in memory, or its value (kWithValue), is in JitState::slow_linear.
  u32 system = 0;
  u32 link = 0;  // jump; T1 = site
  // The same for sites to another page, T0 = linear address of the target. What the vCPU's jump
  // cache knows needs no link: several vCPUs share the site.
  u32 link_far[kMmuCount] = {};
  u32 lookup = 0;    // jump; T0 = linear address
  u32 leave_at = 0;  // jump; T1 = page offset to go on at later
  // Where the signal handler sends code that faulted natively: T1 = page offset.
  const u8* native_fault = nullptr;
};

// `vector_mask`: XSAVE components that the host has, of x87, SSE and AVX.
Stubs emit_stubs(Assembler& a, const Helpers& helpers, u32 vector_mask);

}  // namespace backplane::tcg
