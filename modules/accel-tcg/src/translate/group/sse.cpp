// SPDX-License-Identifier: MIT
// What does not run as itself of SSE and of SHA, which uses its registers. [SDM 1 "Intel SSE
// Instructions"; "Intel SHA Extensions"] Only the guest's processor can judge some operands, of
// which the host's may think differently [x86/vendor.h]: those are left to the interpreter.
#include "translate/as_itself.h"
#include "translate/group/instructions.h"

namespace backplane::tcg {

// Of the host's address, if the TLB has it. Nothing faults, and nothing is looked up for it.
void emit_prefetch(Emitter& e, const ScannedInsn& s) {
  constexpr u8 kPrefetch = 0x0d;  // PREFETCH and PREFETCHW
  Assembler& a = e.a;
  const bool write_hint = s.insn.opcode == kPrefetch;
  e.flags.before_clobber();
  e.operands.address(1);
  const u32 miss = emit_tlb_lookup(e.block, kT0, 1, offsetof(TlbEntry, read_tag));
  a.add_at_t1(kT0, tlb_place(e.block, offsetof(TlbEntry, host)));
  const HostMemory at = a.ptr[a.t0];
  switch (s.insn.reg & 7) {
    case 0:
      write_hint ? a.prefetcht0(at) : a.prefetchnta(at);
      break;
    case 1:
      write_hint ? a.prefetchw(at) : a.prefetcht0(at);
      break;
    case 2:
      a.prefetcht1(at);
      break;
    default:
      a.prefetcht2(at);
      break;
  }
  a.bind(miss);
}

// Some processors know more bits than others, which fault.
void emit_load_mxcsr(Emitter& e, const ScannedInsn& s) {
  constexpr u32 kReserved = 0xffff0000;
  e.flags.before_clobber();
  const RmOperand from = emit_operand(e, s.insn);
  e.a.test(e.a.at(from, 4), kReserved);
  e.exits.interpret_if(e.a.jump_if_forward(kNotZero));
  emit_on_operand(e, s.insn, from);
}

// Some processors do without alignment.
void emit_sha(Emitter& e, const ScannedInsn& s) {
  const Insn& i = s.insn;
  if (!i.memory) return emit_as_itself(e, s);
  e.flags.before_clobber();
  const RmOperand from = emit_operand(e, i);
  e.a.lea(e.a.t1, e.a.ptr[Assembler::r64(from.reg) + from.displacement]);
  e.a.test(e.a.t1b, i.memory_size() - 1);
  e.exits.interpret_if(e.a.jump_if_forward(kNotZero));
  emit_on_operand(e, i, from);
}

}  // namespace backplane::tcg
