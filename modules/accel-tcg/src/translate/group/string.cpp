// SPDX-License-Identifier: MIT
// MOVS, STOS, LODS, SCAS and CMPS, once and repeated. [SDM 1 "String Instructions"]
#include "translate/flags_code.h"
#include "translate/group/count_down.h"
#include "translate/group/instructions.h"

namespace backplane::tcg {
namespace {

// From so many elements on, REP MOVS and REP STOS are done in C++, a page at a time.
constexpr u32 kManyElements = 8;

enum class Kind : u8 { Move, Compare, Store, Load, Scan };

Kind kind_of(const Insn& i) {
  switch (i.opcode & 0xfe) {
    case 0xa4:
      return Kind::Move;
    case 0xa6:
      return Kind::Compare;
    case 0xaa:
      return Kind::Store;
    case 0xac:
      return Kind::Load;
    default:
      return Kind::Scan;
  }
}

bool compares(Kind kind) { return kind == Kind::Compare || kind == Kind::Scan; }

// The host address of the element at rSI or rDI, into T0. `segment` as Insn::segment.
void check_element(Emitter& e, const Insn& i, u8 pointer, unsigned segment, bool write) {
  Assembler& a = e.a;
  e.scratch(kT0);
  if (i.address_bits == 16)
    a.movzx(a.t0d, Assembler::r16(pointer));
  else
    a.mov(Assembler::sized(kT0, i.address_bits / 8u),
          Assembler::sized(pointer, i.address_bits / 8u));
  const unsigned size = i.string_element();
  if (segment != 0) e.operands.segment(segment - 1, size);
  e.operands.check(size, write, Operands::Comes::First);
}

// Moves rSI or rDI to the next element. Leaves the flags alone; T0 is lost.
void advance(Emitter& e, const Insn& i, u8 pointer) {
  Assembler& a = e.a;
  const int size = static_cast<int>(i.string_element());
  a.mov(a.t0, a.field(BACKPLANE_JIT_OFFSET(direction)));
  const HostAddress next = Assembler::r64(pointer) + a.t0 * size;
  if (i.address_bits != 16) {
    a.lea(Assembler::sized(pointer, i.address_bits / 8u), a.ptr[next]);
    return;
  }
  a.lea(a.t0d, a.ptr[next]);
  a.mov(Assembler::r16(pointer), a.t0w);
}

// One element. Registers change when nothing can fault any more. The host's flags are lost, or
// those of the comparison.
void emit_element(Emitter& e, const Insn& i) {
  Assembler& a = e.a;
  const Kind kind = kind_of(i);
  const unsigned size = i.string_element();
  const bool flat = e.mode().code64() || e.mode().segment(x86::ES) == SegmentKind::Flat;
  const unsigned destination = flat ? 0 : 1 + x86::ES;
  const bool writes = kind == Kind::Move || kind == Kind::Store;
  const HostRegister accumulator = Assembler::sized(x86::RAX, size);
  const HostRegister element = Assembler::sized(kT2, size);
  const auto at_t0 = [&a] { return a.ptr[a.t0]; };
  if (i.string_source()) {
    check_element(e, i, x86::RSI, i.segment, false);
    if (kind == Kind::Load) {
      a.mov(accumulator, at_t0());
    } else {
      e.scratch(kT2);
      a.mov(element, at_t0());
    }
  }
  if (i.string_destination()) check_element(e, i, x86::RDI, destination, writes);
  switch (kind) {
    case Kind::Move:
      a.mov(at_t0(), element);
      break;
    case Kind::Store:
      a.mov(at_t0(), accumulator);
      break;
    case Kind::Compare:
      a.cmp(element, at_t0());
      break;
    case Kind::Scan:
      a.cmp(accumulator, at_t0());
      break;
    case Kind::Load:
      break;
  }
  if (i.string_source()) advance(e, i, x86::RSI);
  if (i.string_destination()) advance(e, i, x86::RDI);
}

void leave_between_elements(Emitter& e, u32 from) {
  e.defer([&e, from] {
    e.a.bind(from);
    e.a.or_(e.a.field32(static_cast<int>(offsetof(X86State, rflags))), static_cast<u32>(x86::kRF));
    e.a.jump(e.block.block->entry);
  });
}

// Goes back to the first element while the counter is not zero, behind the entry, which would look
// a second time whether to leave: what interrupts the instruction there finds RF set, and only
// there. [SDM 3B "Instruction-Breakpoint Exception Condition"]
void emit_next_element(Emitter& e, const HostRegister& counter) {
  Assembler& a = e.a;
  const bool counted = e.block.options.count_instructions;
  a.test(counter, counter);
  const u32 done = a.jump_if_forward(kZero);
  if (counted) {
    a.cmp(a.field32(BACKPLANE_JIT_OFFSET(budget)), 0);
    leave_between_elements(e, a.jump_if_forward(kNotGreater));
  }
  a.cmp(a.field32(BACKPLANE_JIT_OFFSET(exit_request)), 0);
  leave_between_elements(e, a.jump_if_forward(kNotZero));
  if (counted) a.sub(a.field32(BACKPLANE_JIT_OFFSET(budget)), e.block.block->instructions);
  a.jump(e.behind_entry);
  a.bind(done);
}

void jump_if_no_elements(Emitter& e, const HostRegister& counter, i64 next) {
  e.a.test(counter, counter);
  const u32 none = e.a.jump_if_forward(kZero);
  e.defer([&e, none, next] {
    e.a.bind(none);
    e.exits.jump(next);
  });
}

void call_if_many_elements(Emitter& e, const Insn& i, const HostRegister& counter, i64 next) {
  e.a.cmp(counter, kManyElements);
  const u32 many = e.a.jump_if_forward(kNotBelow);
  e.defer([&e, many, form = RepeatForm::make(i, kind_of(i) == Kind::Move), next] {
    e.a.bind(many);
    e.a.mov(e.a.t0d, form);
    e.a.mov(e.a.t1d, e.block.offset);
    e.a.call_to(e.block.stubs.repeat);
    e.exits.jump(next);
  });
}

}  // namespace

void emit_string(Emitter& e, const ScannedInsn& s) {
  e.flags.before_clobber();
  emit_element(e, s.insn);
  e.flags.written(s.insn.row);
}

// The only instruction of its block. Each element begins at the block's entry, where it may be
// left: registers and flags are then as between two elements.
void emit_repeated_string(Emitter& e, const ScannedInsn& s) {
  Assembler& a = e.a;
  const Insn& i = s.insn;
  const Kind kind = kind_of(i);
  const i64 next = i64{i.offset} + i.length;
  const HostRegister counter = Assembler::sized(x86::RCX, i.address_bits / 8u);
  jump_if_no_elements(e, counter, next);
  if (kind == Kind::Move || kind == Kind::Store) call_if_many_elements(e, i, counter, next);
  emit_element(e, i);
  emit_count_down(e, i);
  if (compares(kind)) {
    // The guest has the last comparison's flags only: at a fault they are as before the
    // instruction. [SDM 2B "REP/REPE/REPZ/REPNE/REPNZ"]
    emit_read_flags(a, kT2);
    const u32 decided = a.jump_if_forward(i.repeat_prefix == 0xf3 ? kNotEqual : kEqual);
    emit_next_element(e, counter);
    a.bind(decided);
    a.mov(a.field16(BACKPLANE_JIT_OFFSET(saved_flags)), a.t2w);
  } else {
    emit_next_element(e, counter);
  }
  e.exits.jump(next);
}

}  // namespace backplane::tcg
