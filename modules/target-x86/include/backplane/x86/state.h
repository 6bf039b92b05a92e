// SPDX-License-Identifier: MIT
// The architectural state of one x86-64 CPU, shared by every accelerator.
//
// Outside guest code the whole state is here. Written by the CPU's own thread only, or by others
// while that thread is outside guest code.
#pragma once

#include <cstddef>
#include <span>

#include "backplane/types.h"
#include "backplane/x86/version.h"

namespace backplane {
struct StateMember;
}

namespace backplane::x86 {

// Encoding order of general registers. [SDM 2A "ModR/M and SIB Bytes"]
enum Gpr : u8 { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
enum SegReg : u8 { ES, CS, SS, DS, FS, GS };

// RFLAGS. [SDM 1 "EFLAGS Register"]
constexpr u64 kCF = 1u << 0, kPF = 1u << 2, kAF = 1u << 4, kZF = 1u << 6, kSF = 1u << 7,
              kTF = 1u << 8, kIF = 1u << 9, kDF = 1u << 10, kOF = 1u << 11, kIOPL = 3u << 12,
              kNT = 1u << 14, kRF = 1u << 16, kVM = 1u << 17, kAC = 1u << 18, kVIF = 1u << 19,
              kVIP = 1u << 20, kID = 1u << 21;
constexpr u64 kArithmeticFlags = kCF | kPF | kAF | kZF | kSF | kOF;

// Control registers. [SDM 3A "Control Registers"]
constexpr u64 kCr0PE = 1u << 0, kCr0MP = 1u << 1, kCr0EM = 1u << 2, kCr0TS = 1u << 3,
              kCr0ET = 1u << 4, kCr0NE = 1u << 5, kCr0WP = 1u << 16, kCr0AM = 1u << 18,
              kCr0NW = 1u << 29, kCr0CD = 1u << 30, kCr0PG = 1u << 31;
constexpr u64 kCr4VME = 1u << 0, kCr4PVI = 1u << 1, kCr4TSD = 1u << 2, kCr4DE = 1u << 3,
              kCr4PSE = 1u << 4, kCr4PAE = 1u << 5, kCr4MCE = 1u << 6, kCr4PGE = 1u << 7,
              kCr4PCE = 1u << 8, kCr4OSFXSR = 1u << 9, kCr4OSXMMEXCPT = 1u << 10,
              kCr4UMIP = 1u << 11, kCr4LA57 = 1u << 12, kCr4FSGSBASE = 1u << 16,
              kCr4PCIDE = 1u << 17, kCr4OSXSAVE = 1u << 18, kCr4SMEP = 1u << 20,
              kCr4SMAP = 1u << 21;
constexpr u64 kEferSCE = 1u << 0, kEferLME = 1u << 8, kEferLMA = 1u << 10, kEferNXE = 1u << 11;

// Debug registers. [SDM 3B "Debug Registers"]
constexpr u64 kDr6Breakpoints = 0xf, kDr6BD = 1u << 13, kDr6BS = 1u << 14, kDr6BT = 1u << 15;
constexpr u64 kDr7GD = 1u << 13;

// Exception vectors. [SDM 3A "Exception and Interrupt Vectors"]
enum Vector : u8 {
  kDE = 0,
  kDB = 1,
  kNMI = 2,
  kBP = 3,
  kOFVector = 4,
  kBR = 5,
  kUD = 6,
  kNM = 7,
  kDFVector = 8,
  kTS = 10,
  kNP = 11,
  kSSVector = 12,
  kGP = 13,
  kPFVector = 14,
  kMF = 16,
  kACVector = 17,
  kMC = 18,
  kXM = 19
};

// A segment register with its hidden part. `attributes` has the layout of descriptor bits 40-55:
// type 0-3, S 4, DPL 5-6, P 7, AVL 12, L 13, D/B 14, G 15. `limit` is in bytes (scaled).
struct Segment {
  u16 selector = 0;
  u16 attributes = 0;
  u32 limit = 0;
  u64 base = 0;

  bool present() const { return (attributes & 0x80) != 0; }
  unsigned dpl() const { return (attributes >> 5) & 3; }
  unsigned type() const { return attributes & 0xf; }
  bool is_system() const { return (attributes & 0x10) == 0; }
  bool is_code() const { return (attributes & 0x18) == 0x18; }
  bool long_mode() const { return (attributes & 0x2000) != 0; }
  bool big() const { return (attributes & 0x4000) != 0; }
  static std::span<const StateMember> members();
};

struct DescriptorTable {
  u16 limit = 0;
  u64 base = 0;
  static std::span<const StateMember> members();
};

// What keeps interrupts off at the next instruction boundary. A load of SS by MOV or POP keeps
// debug exceptions off as well. [SDM 3A "Masking Exceptions and Interrupts When Switching Stacks"]
enum InterruptShadow : u8 { kNoShadow = 0, kShadowSti = 1, kShadowSs = 2 };

constexpr std::size_t kXsaveSize = 512 + 64 + 256;  // x87+SSE, header, AVX: standard format

struct alignas(64) X86State {
  u64 gpr[16] = {};  // first: reached with 8-bit displacements
  u64 rip = 0;
  u64 rflags = 2;
  Segment seg[6];
  Segment ldtr;
  Segment tr;
  DescriptorTable gdtr;
  DescriptorTable idtr;
  u64 cr0 = 0;
  u64 cr2 = 0;
  u64 cr3 = 0;
  u64 cr4 = 0;
  u64 xcr0 = 1;
  u64 efer = 0;
  u64 dr[8] = {};
  u64 pdpte[4] = {};  // PAE paging: loaded with CR3

  // Model-specific registers. [SDM 4 "Architectural MSRs"]
  u64 star = 0, lstar = 0, cstar = 0, sfmask = 0, kernel_gs_base = 0;
  u64 sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
  u64 tsc_aux = 0;
  u64 pat = 0x0007040600070406;
  i64 tsc_offset = 0;  // guest TSC = host's TSC + offset
  // Translated code may read the TSC in that way while the host's is not above this.
  u64 tsc_valid_until = 0;
  u64 tsc_adjust = 0;
  u64 misc_enable = 0;
  u64 mtrr_def_type = 0;
  u64 mtrr_fixed[11] = {};
  u64 mtrr_physical[16] = {};  // base, mask pairs

  u8 interrupt_shadow = kNoShadow;  // for one instruction after STI, MOV SS, POP SS
  u8 nmi_blocked = 0;               // until IRET
  u8 shutdown = 0;                  // triple fault: the CPU stopped
  u8 wait_for_sipi = 0;
  // Bits of DR6 of traps that a load of SS holds back, or that come before the next instruction.
  u16 debug_traps = 0;

  // Facts of the CPU model that the page walk needs; they survive a reset.
  u8 physical_address_bits = 40;
  u8 has_gbpages = 1;

  // x87, SSE and AVX registers: an XSAVE image in standard format. XSTATE_BV is kept as the
  // processor wrote it; a component whose bit is clear is in its initial state.
  alignas(64) u8 xsave[kXsaveSize] = {};

  // All that is saved; time and the facts of the model are not. (src/cpu/saved_state.cpp)
  static std::span<const StateMember> members();
  // As its initializers say, but for the facts of the model.
  void reset() {
    const u8 physical_bits = physical_address_bits;
    const u8 gbpages = has_gbpages;
    *this = X86State{};
    physical_address_bits = physical_bits;
    has_gbpages = gbpages;
  }

  // Current privilege level: the DPL of SS. (In real mode 0, in virtual-8086 mode 3.)
  unsigned cpl() const {
    if ((cr0 & kCr0PE) == 0) return 0;
    if ((rflags & kVM) != 0) return 3;
    return seg[SS].dpl();
  }
  bool protected_mode() const { return (cr0 & kCr0PE) != 0 && (rflags & kVM) == 0; }
  bool long_mode_active() const { return (efer & kEferLMA) != 0; }
  bool code64() const { return long_mode_active() && seg[CS].long_mode(); }
  // Default operand and address size of code, in bits.
  unsigned code_bits() const { return code64() ? 64 : seg[CS].big() && (cr0 & kCr0PE) ? 32 : 16; }
};

static_assert(offsetof(X86State, gpr) == 0);

// A guest exception on its way to delivery. Thrown inside target-x86 only; caught by the entry
// points (Interpreter::step and the *_or_fault functions), never crosses generated code.
struct GuestException {
  u8 vector = 0;
  bool has_error_code = false;
  u32 error_code = 0;
  u64 cr2 = 0;  // vector 14 only: loaded into CR2 on delivery
};
[[noreturn]] void raise_fault(u8 vector);
[[noreturn]] void raise_fault(u8 vector, u32 error_code);

}  // namespace backplane::x86
