// SPDX-License-Identifier: MIT
#include "translate/block_entry.h"

#include "translate/guest_state.h"

namespace backplane::tcg {
namespace {

void emit_leave_here(Translation& t) {
  t.a.load_t1(t.block->offset);
  t.a.jump(t.stubs.leave_at);
}

void emit_exit_check(Translation& t) {
  Assembler& a = t.a;
  static_assert(Assembler::kEntrySize == 8, "length of the comparison below");
  a.compare_field32_with_zero(BACKPLANE_JIT_OFFSET(exit_request));
  const u32 wanted = a.jump_if_forward(kNotZero);
  t.defer([&t, &a, wanted] {
    // Entry of a block that was invalidated: look the address up again.
    t.block->retired_entry = a.here();
    emit_page_relative(a, kT0, t.block->offset);
    a.jump(t.stubs.lookup);
    a.bind(wanted);
    emit_leave_here(t);
  });
}

// The bytes behind the page's end may come from another page than when this was translated. That
// they do not was seen when the block was put into the jump cache, where it must be still.
void emit_straddle_check(Translation& t, Exits& exits) {
  emit_page_relative(t.a, kT0, t.block->offset);
  const u32 miss = exits.probe_jump_cache();
  t.defer([&t, miss] {
    t.a.bind(miss);
    t.a.jump(t.stubs.lookup);
  });
}

// Where the instruction pointer would wrap around or leave the segment, behind the block as well,
// the interpreter goes on.
void emit_code_limit_check(Translation& t) {
  Assembler& a = t.a;
  emit_page_relative(a, kT0, t.block->offset);
  a.sub(a.t0, a.field(BACKPLANE_JIT_OFFSET(code_base)));
  a.lea(a.t0, a.ptr[a.t0 + t.block->size]);
  a.cmp(a.t0, a.field(BACKPLANE_JIT_OFFSET(pointer_mask)));
  const u32 above = a.jump_if_forward(kAbove);
  t.defer([&t, &a, above] {
    a.bind(above);
    // Nothing was charged yet, and the interpreter takes one back.
    if (t.options.count_instructions) a.sub(a.field32(BACKPLANE_JIT_OFFSET(budget)), 1);
    a.mov(a.t1d, t.block->offset);
    a.jump(t.stubs.interpret);
  });
}

void emit_charge(Translation& t) {
  t.a.sub(t.a.field32(BACKPLANE_JIT_OFFSET(budget)), t.block->instructions);
  const u32 overdrawn = t.a.jump_if_forward(kNegative);
  t.defer([&t, overdrawn] {
    t.a.bind(overdrawn);
    t.give_back(t.block->instructions);
    emit_leave_here(t);
  });
}

}  // namespace

u32 emit_entry(Translation& t, Exits& exits) {
  t.a.align_entry();
  t.block->entry = t.a.here();
  emit_exit_check(t);
  t.block->behind_check = t.a.here();
  if (t.block->second_page != nullptr) emit_straddle_check(t, exits);
  if (t.mode.has(Mode::kCodeBased)) emit_code_limit_check(t);
  if (t.options.count_instructions) emit_charge(t);
  return t.a.here();
}

}  // namespace backplane::tcg
