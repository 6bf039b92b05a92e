// SPDX-License-Identifier: MIT
#include "translate/flags_code.h"

#include "runtime/jit_state.h"
#include "translate/guest_state.h"

namespace backplane::tcg {
namespace {

using Kind = FlagsRecipe::Kind;

// A register, a part of the state or a number: the recipe's right operand.
template <class Operation>
void with_right(Assembler& a, const FlagsRecipe& r, Operation operation) {
  if (r.right == FlagsRecipe::kImmediate) return operation(static_cast<u32>(r.immediate));
  const u8 home = host_register(r.right);
  if (home != kSpilled) return operation(Assembler::sized(home, r.size));
  operation(a.field_of(r.right, r.size));
}

}  // namespace

void emit_read_flags(Assembler& a, u8 to) {
  a.mov(a.t1, a.rax);
  a.lahf();
  a.seto(a.al);
  a.mov(Assembler::r32(to), a.eax);
  a.mov(a.rax, a.t1);
}

void emit_save_flags(Assembler& a) { a.store_flags(BACKPLANE_JIT_OFFSET(saved_flags)); }

void emit_restore_flags(Assembler& a) {
  a.mov(a.t1, a.rax);
  a.movzx(a.eax, a.field16(BACKPLANE_JIT_OFFSET(saved_flags)));
  a.add(a.al, 127);
  a.sahf();
  a.mov(a.rax, a.t1);
}

void emit_remake_flags(Assembler& a, const FlagsRecipe& r) {
  const HostRegister t = Assembler::sized(kT1, r.size);
  const auto add = [&] { with_right(a, r, [&](const auto& right) { a.add(t, right); }); };
  const auto subtract = [&] { with_right(a, r, [&](const auto& right) { a.sub(t, right); }); };
  if (r.kind != Kind::Zero) move_guest(a, kT1, r.left);
  switch (r.kind) {
    case Kind::None:
      break;
    case Kind::Compare:
      subtract();
      break;
    case Kind::Test:
      with_right(a, r, [&](const auto& right) { a.and_(t, right); });
      break;
    case Kind::Sum:
      subtract();
      add();
      break;
    case Kind::Difference:
      add();
      subtract();
      break;
    case Kind::Negation:
      a.neg(t);
      a.neg(t);
      break;
    case Kind::Zero:
      a.xor_(a.t1d, a.t1d);
      break;
  }
}

}  // namespace backplane::tcg
