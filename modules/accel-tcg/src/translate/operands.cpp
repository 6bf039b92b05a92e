// SPDX-License-Identifier: MIT
#include "translate/operands.h"

#include "translate/guest_state.h"

namespace backplane::tcg {

RmOperand Operands::checked(unsigned size, bool write, FlagsIn flags) {
  if (t_.mode.split()) {
    pointers_.forget(kT0);
    t_.a.mov(t_.a.t0, t_.a.field(BACKPLANE_JIT_OFFSET(split) +
                                 static_cast<int>(offsetof(SplitStore, bounce))));
    return RmOperand::at(kT0);
  }
  const Insn& i = t_.current().insn;
  MemoryAccess access;
  if (operand_access(i, access)) return checked_access(access, AccessPart::Operand, flags);
  const bool keep = i.segment == 0 && keep_flags(flags);
  if (!keep) flags_.before_clobber();
  address(size);
  emit_check(t_, flags_, exits_,
             {.size = size,
              .write = write,
              .keep_flags = keep,
              .first = AccessDescriptor::first(0, size, write)});
  return RmOperand::at(kT0);
}

RmOperand Operands::checked_stack() {
  MemoryAccess access;
  stack_access(t_.current().insn, access);
  if (t_.mode.flat_stack()) return checked_access(access, AccessPart::Stack, FlagsIn::Memory);
  Assembler& a = t_.a;
  flags_.before_clobber();
  pointers_.forget(kT0);
  a.lea(a.t0d, a.ptr[a.guest_rsp + access.displacement]);
  if (t_.mode.has(Mode::kStack16)) a.movzx(a.t0d, a.t0w);
  segment(x86::SS, access.size);
  check(access.size, access.write, Comes::First);
  return RmOperand::at(kT0);
}

std::optional<RmOperand> Operands::known_stack() const {
  MemoryAccess access;
  stack_access(t_.current().insn, access);
  if (!t_.mode.flat_stack()) return std::nullopt;
  return pointers_.find(access);
}

void Operands::address(unsigned size) {
  const Insn& i = t_.current().insn;
  pointers_.forget(kT0);
  emit_operand_offset(t_.a, kT0, i);
  if (i.segment != 0) segment(i.segment - 1u, size);
}

void Operands::check(unsigned size, bool write, Comes comes) {
  const u32 first = comes == Comes::First ? AccessDescriptor::first(0, size, write) : 0;
  emit_check(t_, flags_, exits_, {.size = size, .write = write, .first = first});
}

RmOperand Operands::checked_access(const MemoryAccess& access, AccessPart part, FlagsIn flags) {
  if (const auto held = pointers_.find(access)) return *held;
  const AccessGroup group = group_of(access, part);
  const bool grouped = group.others != 0;
  const u8 pointer = grouped && !t2_is_held_ && !pointers_.wanted(kT2, t_.index) ? kT2 : kT0;
  const bool keep = keep_flags(flags);
  if (!keep) flags_.before_clobber();
  pointers_.forget(kT0);
  pointers_.forget(pointer);
  emit_key_address(t_.a, pointer, access.key, group.low, !t_.mode.code64());
  const i32 in_group = access.displacement - group.low;
  emit_check(t_, flags_, exits_,
             {.pointer = pointer,
              .size = group.size(),
              .write = group.write,
              .grouped = grouped,
              .keep_flags = keep,
              .first = AccessDescriptor::first(static_cast<unsigned>(in_group), access.size,
                                               access.write)});
  if (grouped) pointers_.hold(pointer, access.key, group);
  return RmOperand::at(pointer, in_group);
}

AccessGroup Operands::group_of(const MemoryAccess& access, AccessPart part) const {
  if (!t_.mode.apart() && t_.block->second_page == nullptr)
    return access_group(t_.code->insns(), t_.index, part, access, t_.mode.flat_stack());
  AccessGroup alone;
  alone.low = access.displacement;
  alone.high = access.displacement + static_cast<i32>(access.size);
  alone.write = access.write;
  return alone;
}

bool Operands::keep_flags(FlagsIn flags) const {
  return flags == FlagsIn::Host && t_.options.bmi2 && flags_.wanted_in_host();
}

}  // namespace backplane::tcg
