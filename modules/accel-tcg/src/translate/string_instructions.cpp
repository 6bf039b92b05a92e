// SPDX-License-Identifier: MIT
// MOVS, STOS, LODS, SCAS and CMPS, once and repeated, and the direction flag.
// [SDM 1 "String Operations"]
#include "translate/translator.h"

namespace backplane::tcg {
namespace {

constexpr u8 kCounter = 1, kSource = 6, kDestination = 7;  // rCX, rSI, rDI
constexpr u8 kZero = 4, kNotZero = 5, kNotPositive = 14;   // conditions; signed

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

// Of any size but those for which REX would have to be there: no register here is 4 to 7.
Xbyak::Reg register_of(u8 number, unsigned size) {
  return size == 1 ? static_cast<Xbyak::Reg>(Xbyak::Reg8(number)) : Assembler::sized(number, size);
}

}  // namespace

// The host address of the element at rSI or rDI, into T0. `segment` as Insn::segment.
void Translator::emit_element_check(const Insn& i, u8 pointer, unsigned segment, bool write) {
  pointers_.forget(kT0);
  if (i.address_bits == 64)
    a_.mov(a_.r10, Assembler::r64(pointer));
  else if (i.address_bits == 32)
    a_.mov(a_.r10d, Assembler::r32(pointer));
  else
    a_.movzx(a_.r10d, Xbyak::Reg16(pointer));
  const unsigned size = i.string_element();
  if (segment != 0) emit_segment(segment - 1, size);
  emit_check(kT0, size, write, false, false, AccessDescriptor::first(0, size, write));
}

// Moves rSI or rDI to the next element. Leaves the flags alone; T0 is lost.
void Translator::emit_advance(const Insn& i, u8 pointer) {
  const int size = static_cast<int>(i.string_element());
  a_.mov(a_.r10, a_.field(BACKPLANE_JIT_OFFSET(direction)));
  const Xbyak::RegExp next = Assembler::r64(pointer) + a_.r10 * size;
  if (i.address_bits == 64) {
    a_.lea(Assembler::r64(pointer), a_.ptr[next]);
  } else if (i.address_bits == 32) {
    a_.lea(Assembler::r32(pointer), a_.ptr[next]);
  } else {
    a_.lea(a_.r10d, a_.ptr[next]);
    a_.mov(Xbyak::Reg16(pointer), a_.r10w);
  }
}

// One element. Registers change when nothing can fault any more. The host's flags are lost, or
// those of the comparison.
void Translator::emit_element(const Insn& i) {
  const Kind kind = kind_of(i);
  const unsigned size = i.string_element();
  const bool flat = mode_.code64() || mode_.segment(x86::ES) == SegmentKind::Flat;
  const unsigned destination = flat ? 0 : 1 + x86::ES;
  const bool writes = kind == Kind::Move || kind == Kind::Store;
  const Xbyak::Reg64 at = a_.r10;
  const Xbyak::Reg accumulator = register_of(0, size);
  const Xbyak::Reg element = register_of(kT2, size);
  if (i.string_source()) {
    emit_element_check(i, kSource, i.segment, false);
    if (kind == Kind::Load) {
      a_.mov(accumulator, a_.ptr[at]);
    } else {
      pointers_.forget(kT2);
      a_.mov(element, a_.ptr[at]);
    }
  }
  if (i.string_destination()) emit_element_check(i, kDestination, destination, writes);
  switch (kind) {
    case Kind::Move:
      a_.mov(a_.ptr[at], element);
      break;
    case Kind::Store:
      a_.mov(a_.ptr[at], accumulator);
      break;
    case Kind::Compare:
      a_.cmp(element, a_.ptr[at]);
      break;
    case Kind::Scan:
      a_.cmp(accumulator, a_.ptr[at]);
      break;
    case Kind::Load:
      break;
  }
  if (i.string_source()) emit_advance(i, kSource);
  if (i.string_destination()) emit_advance(i, kDestination);
}

void Translator::emit_string(const ScannedInsn& s) {
  flags_before_clobber();
  emit_element(s.insn);
  flags_written(s.insn.row);
}

// The only instruction of its block. Each element begins at the block's entry, where it may be
// left: registers and flags are then as between two elements.
void Translator::emit_repeat(const Insn& i) {
  const Kind kind = kind_of(i);
  const i64 next = i64{i.offset} + i.length;
  const Xbyak::Reg counter = Assembler::sized(kCounter, i.address_bits / 8u);
  a_.test(counter, counter);
  const u32 none = a_.jump_if_forward(kZero);
  defer([this, none, next] {
    a_.bind(none);
    emit_jump(next);
  });
  if (kind == Kind::Move || kind == Kind::Store) {
    a_.cmp(counter, kManyElements);
    const u32 many = a_.jump_if_forward(3);
    const u32 form = RepeatForm::make(i, kind == Kind::Move);
    defer([this, many, form, offset = i.offset, next] {
      a_.bind(many);
      a_.mov(a_.r10d, form);
      a_.mov(a_.r11d, offset);
      a_.call_to(stubs_.repeat);
      emit_jump(next);
    });
  }
  emit_element(i);
  emit_count_down(i);
  if (!compares(kind)) {
    emit_next_element(counter);
    emit_jump(next);
    return;
  }
  // The guest has the last comparison's only: at a fault its flags are as before the instruction.
  // [SDM 2B "REP/REPE/REPZ/REPNE/REPNZ"]
  a_.mov(a_.r11, a_.rax);
  a_.lahf();
  a_.seto(a_.al);
  a_.mov(a_.r14d, a_.eax);
  a_.mov(a_.rax, a_.r11);
  const u32 decided = a_.jump_if_forward(i.repeat_prefix == 0xf3 ? kNotZero : kZero);
  emit_next_element(counter);
  a_.bind(decided);
  a_.mov(a_.word[a_.rsp + BACKPLANE_JIT_OFFSET(saved_flags)], a_.r14w);
  emit_jump(next);
}

// Goes back to the first element while the counter is not zero, behind the entry, which would look
// a second time whether to leave: what interrupts the instruction there finds RF set, and only
// there. [SDM 3B "Instruction-Breakpoint Exception Condition"]
void Translator::emit_next_element(const Xbyak::Reg& counter) {
  const auto leave = [this](u32 site) {
    defer([this, site] {
      a_.bind(site);
      emit_leave_between_elements();
    });
  };
  a_.test(counter, counter);
  const u32 done = a_.jump_if_forward(kZero);
  if (options_.count_instructions) {
    a_.cmp(a_.field32(BACKPLANE_JIT_OFFSET(budget)), 0);
    leave(a_.jump_if_forward(kNotPositive));
  }
  a_.cmp(a_.field32(BACKPLANE_JIT_OFFSET(exit_request)), 0);
  leave(a_.jump_if_forward(kNotZero));
  if (options_.count_instructions)
    a_.sub(a_.field32(BACKPLANE_JIT_OFFSET(budget)), block_->instructions);
  a_.jump(behind_entry_);
  a_.bind(done);
}

void Translator::emit_leave_between_elements() {
  a_.or_(a_.field32(static_cast<int>(offsetof(X86State, rflags))), static_cast<u32>(x86::kRF));
  a_.jump(block_->entry);
}

void Translator::emit_direction(const Insn& i) {
  constexpr int kRflags = static_cast<int>(offsetof(X86State, rflags));
  const bool backwards = i.row.op == Op::Std;
  flags_before_clobber();
  if (backwards)
    a_.or_(a_.field32(kRflags), static_cast<u32>(x86::kDF));
  else
    a_.and_(a_.field32(kRflags), ~static_cast<u32>(x86::kDF));
  a_.mov(a_.field(BACKPLANE_JIT_OFFSET(direction)), backwards ? -1 : 1);
}

}  // namespace backplane::tcg
