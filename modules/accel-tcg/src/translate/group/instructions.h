// SPDX-License-Identifier: MIT
// A function for each way to run that opcodes.inc names, in files named after the manual's groups.
// [SDM 1 "Instruction Set Summary"] Of groups that have no file here, every instruction runs as
// itself: binary and decimal arithmetic, logical, shift and rotate.
#pragma once

#include "translate/emitter.h"

namespace backplane::tcg {

using EmitInsn = void(Emitter& e, const ScannedInsn& s);

EmitInsn emit_as_itself;

// Data transfer
EmitInsn emit_mov_immediate;
EmitInsn emit_bswap;
EmitInsn emit_exchange_accumulator;
EmitInsn emit_push;
EmitInsn emit_push_immediate;
EmitInsn emit_push_operand;
EmitInsn emit_pop;
EmitInsn emit_pop_operand;
EmitInsn emit_push_selector;
EmitInsn emit_pop_selector;
EmitInsn emit_read_selector;
EmitInsn emit_load_segment;

// Bit and byte
EmitInsn emit_bit_string;

// Control transfer
EmitInsn emit_jump;
EmitInsn emit_conditional_jump;
EmitInsn emit_loop;
EmitInsn emit_call;
EmitInsn emit_indirect_jump;
EmitInsn emit_far_jump;
EmitInsn emit_indirect_call;
EmitInsn emit_return;
EmitInsn emit_leave;

// String
EmitInsn emit_string;
EmitInsn emit_repeated_string;

// Flag control
EmitInsn emit_direction;  // CLD, STD
EmitInsn emit_cli;
EmitInsn emit_sti;
EmitInsn emit_pushf;
EmitInsn emit_popf;

// Miscellaneous
EmitInsn emit_lea;
EmitInsn emit_nop;

// x87 FPU
EmitInsn emit_x87;

// SSE, and SHA, which uses its registers
EmitInsn emit_prefetch;
EmitInsn emit_load_mxcsr;
EmitInsn emit_sha;

// AVX
EmitInsn emit_zero_vectors;

// System, with what is of 64-bit mode
EmitInsn emit_access_control;  // STAC, CLAC
EmitInsn emit_swapgs;
EmitInsn emit_read_control;
EmitInsn emit_load_table;  // LGDT, LIDT
EmitInsn emit_read_base;
EmitInsn emit_write_base;
EmitInsn emit_read_time_stamp;    // RDTSC, RDTSCP
EmitInsn emit_call_for_function;  // what has a SystemForm

// Ends the block with a call for the function of a SystemForm. All flags are in memory.
void emit_call_of(Emitter& e, u32 form);

// What is left to the interpreter.
EmitInsn emit_interpret;

}  // namespace backplane::tcg
