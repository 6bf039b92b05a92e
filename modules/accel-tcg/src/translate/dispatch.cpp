// SPDX-License-Identifier: MIT
#include "translate/dispatch.h"

#include "translate/group/instructions.h"

namespace backplane::tcg {

namespace {

EmitInsn* function_of(Op op) {
  switch (op) {
    case Op::Interpret:
      return emit_interpret;
    case Op::Native:
      return emit_as_itself;
    case Op::X87:
      return emit_x87;
    case Op::LoadMxcsr:
      return emit_load_mxcsr;
    case Op::Sha:
      return emit_sha;
    case Op::Nop:
      return emit_nop;
    case Op::Prefetch:
      return emit_prefetch;
    case Op::Lea:
      return emit_lea;
    case Op::BitString:
      return emit_bit_string;
    case Op::MovImm:
      return emit_mov_immediate;
    case Op::Bswap:
      return emit_bswap;
    case Op::XchgAcc:
      return emit_exchange_accumulator;
    case Op::Push:
      return emit_push;
    case Op::PushImm:
      return emit_push_immediate;
    case Op::PushMem:
      return emit_push_operand;
    case Op::Pop:
      return emit_pop;
    case Op::PopMem:
      return emit_pop_operand;
    case Op::PushSelector:
      return emit_push_selector;
    case Op::PopSelector:
      return emit_pop_selector;
    case Op::Leave:
      return emit_leave;
    case Op::Jcc:
      return emit_conditional_jump;
    case Op::Jmp:
      return emit_jump;
    case Op::JmpIndirect:
      return emit_indirect_jump;
    case Op::JmpFar:
      return emit_far_jump;
    case Op::Call:
      return emit_call;
    case Op::CallIndirect:
      return emit_indirect_call;
    case Op::Ret:
      return emit_return;
    case Op::Loop:
      return emit_loop;
    case Op::String:
      return emit_string;
    case Op::RepeatString:
      return emit_repeated_string;
    case Op::Cld:
    case Op::Std:
      return emit_direction;
    case Op::Cli:
      return emit_cli;
    case Op::Sti:
      return emit_sti;
    case Op::Pushf:
      return emit_pushf;
    case Op::Popf:
      return emit_popf;
    case Op::Stac:
    case Op::Clac:
      return emit_access_control;
    case Op::Rdtsc:
    case Op::Rdtscp:
      return emit_read_time_stamp;
    case Op::ReadControl:
      return emit_read_control;
    case Op::ReadSelector:
      return emit_read_selector;
    case Op::LoadTable:
      return emit_load_table;
    case Op::LoadSegment:
      return emit_load_segment;
    case Op::ReadBase:
      return emit_read_base;
    case Op::WriteBase:
      return emit_write_base;
    case Op::Swapgs:
      return emit_swapgs;
    case Op::ZeroVectors:
      return emit_zero_vectors;
    case Op::Syscall:
    case Op::Sysret:
    case Op::Iret:
    case Op::WriteCr0:
    case Op::WriteCr3:
    case Op::InvalidatePage:
    case Op::SaveState:
    case Op::SaveStateOptimized:
    case Op::SaveStateCompact:
    case Op::RestoreState:
    case Op::Cpuid:
      return emit_call_for_function;
  }
  return emit_interpret;
}

}  // namespace

void emit_interpret(Emitter& e, const ScannedInsn&) { e.exits.interpret(); }

void emit_insn(Emitter& e, const ScannedInsn& s) { function_of(s.insn.row.op)(e, s); }

}  // namespace backplane::tcg
