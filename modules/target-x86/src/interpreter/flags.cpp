// SPDX-License-Identifier: MIT
// Instructions that set, clear or copy flags.
#include "execution.h"
#include "handlers.h"

namespace backplane::x86::interpreter {
namespace {

constexpr u64 kAhFlags = kCF | kPF | kAF | kZF | kSF;

template <u64 flag, bool value>
void assign(Execution& x, const Instruction&) {
  x.set_flags(flag, value ? flag : 0);
}

void complement_carry(Execution& x, const Instruction&) { x.state.rflags ^= kCF; }

// CLI and STI need IOPL to be no less than the privilege level. [SDM 2A "CLI"]
void require_iopl(const Execution& x) {
  if (((x.state.rflags & kIOPL) >> 12) < x.cpl()) raise_fault(kGP, 0);
}

void clear_interrupt(Execution& x, const Instruction&) {
  require_iopl(x);
  x.set_flags(kIF, 0);
}

void set_interrupt(Execution& x, const Instruction&) {
  require_iopl(x);
  if (!x.flag(kIF)) x.state.interrupt_shadow = kShadowSti;
  x.set_flags(kIF, kIF);
}

void load_ah(Execution& x, const Instruction&) {
  const u64 image = (x.state.rflags & kAhFlags) | 2;
  x.state.gpr[RAX] = (x.state.gpr[RAX] & ~u64{0xff00}) | (image << 8);
}

void store_ah(Execution& x, const Instruction&) { x.set_flags(kAhFlags, x.state.gpr[RAX] >> 8); }

// STAC and CLAC: SMAP's access control, at privilege level 0 only.
template <bool value>
void assign_access(Execution& x, const Instruction&) {
  if (!x.state.protected_mode() && (x.state.cr0 & kCr0PE) != 0) raise_fault(kUD);
  if (x.cpl() != 0) raise_fault(kUD);
  x.set_flags(kAC, value ? kAC : 0);
}

}  // namespace

void add_flag_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_CLC, assign<kCF, false>);
  t.add(ZYDIS_MNEMONIC_STC, assign<kCF, true>);
  t.add(ZYDIS_MNEMONIC_CLD, assign<kDF, false>);
  t.add(ZYDIS_MNEMONIC_STD, assign<kDF, true>);
  t.add(ZYDIS_MNEMONIC_CMC, complement_carry);
  t.add(ZYDIS_MNEMONIC_CLI, clear_interrupt);
  t.add(ZYDIS_MNEMONIC_STI, set_interrupt);
  t.add(ZYDIS_MNEMONIC_LAHF, load_ah);
  t.add(ZYDIS_MNEMONIC_SAHF, store_ah);
  t.add(ZYDIS_MNEMONIC_CLAC, assign_access<false>);
  t.add(ZYDIS_MNEMONIC_STAC, assign_access<true>);
}

}  // namespace backplane::x86::interpreter
