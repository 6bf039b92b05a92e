// SPDX-License-Identifier: MIT
#include "translate/memory_access.h"

#include <algorithm>

#include "backplane/memory.h"
#include "translate/insn_properties.h"

namespace backplane::tcg {
namespace {

// A longer group would cross pages too often, and what it crosses is checked one by one.
constexpr i32 kMaximumSpan = 512;
constexpr unsigned kMaximumOperand = 64;
constexpr std::size_t kLookAhead = 32;

constexpr AddressKey kStackKey{4, AddressKey::kNone, 0};

void extend(AccessGroup& group, const MemoryAccess& access, i32 shift, bool behind_jump,
            std::size_t at) {
  const i32 low = std::min(group.low, access.displacement + shift);
  const i32 high =
      std::max(group.high, access.displacement + shift + static_cast<i32>(access.size));
  if (high - low > kMaximumSpan) return;
  if (access.write && !group.write) {
    if (behind_jump) return;
    group.write = true;
  }
  // In the block's own page it is known what crosses its end.
  if (access.key.base == AddressKey::kPage && access.key.index == AddressKey::kNone &&
      (low & ~static_cast<i32>(kPageSize - 1)) != ((high - 1) & ~static_cast<i32>(kPageSize - 1)))
    return;
  group.low = low;
  group.high = high;
  ++group.others;
  group.last_insn = at;
}

}  // namespace

AddressKey operand_key(const Insn& i) {
  AddressKey key;
  if (i.rip_relative) {
    key.base = AddressKey::kPage;
    return key;
  }
  if (i.has_base) key.base = i.base;
  if (i.has_index) {
    key.index = i.index;
    key.scale = i.scale;
  }
  return key;
}

i32 operand_displacement(const Insn& i) {
  return i.rip_relative ? static_cast<i32>(i.offset) + i.length + i.displacement : i.displacement;
}

bool operand_access(const Insn& i, MemoryAccess& access) {
  if (!i.memory || i.segment != 0 || !i.default_address_size() || i.address_bits == 16)
    return false;
  switch (i.row.op) {
    case Op::Native:
    case Op::X87:
    case Op::LoadMxcsr:
    case Op::Sha:
      if ((i.row.operands & (kMemRead | kMemWrite)) == 0) return false;
      access.size = i.memory_size();
      access.write = (i.row.operands & kMemWrite) != 0;
      break;
    case Op::PushMem:
    case Op::JmpIndirect:
    case Op::CallIndirect:
      access.size = i.stack_operand_size();
      access.write = false;
      break;
    default:
      return false;
  }
  access.key = operand_key(i);
  access.displacement = operand_displacement(i);
  constexpr i32 kFar = 1 << 30;
  return access.size <= kMaximumOperand && access.displacement > -kFar &&
         access.displacement < kFar;
}

bool stack_access(const Insn& i, MemoryAccess& access) {
  access.key = kStackKey;
  access.size = i.stack_operand_size();
  switch (i.row.op) {
    case Op::Push:
    case Op::PushImm:
    case Op::PushMem:
    case Op::PushSelector:
    case Op::Pushf:
    case Op::Call:
    case Op::CallIndirect:
      access.displacement = -static_cast<i32>(access.size);
      access.write = true;
      return true;
    case Op::Pop:
    case Op::PopMem:
    case Op::PopSelector:
    case Op::Popf:
    case Op::Ret:
      access.displacement = 0;
      access.write = false;
      return true;
    default:
      return false;
  }
}

AccessGroup access_group(const std::vector<ScannedInsn>& insns, std::size_t at, AccessPart part,
                         const MemoryAccess& first, bool with_stack) {
  AccessGroup group;
  group.low = first.displacement;
  group.high = first.displacement + static_cast<i32>(first.size);
  group.write = first.write;
  group.last_insn = at;
  i32 shift = 0;
  bool behind_jump = false;
  const std::size_t end = std::min(insns.size(), at + kLookAhead);
  for (std::size_t n = at; n < end; ++n) {
    const Insn& i = insns[n].insn;
    MemoryAccess a;
    if (n != at && operand_access(i, a) && a.key == first.key)
      extend(group, a, shift, behind_jump, n);
    if (with_stack && (n != at || part == AccessPart::Operand) && stack_access(i, a) &&
        a.key == first.key)
      extend(group, a, shift, behind_jump, n);
    if (may_jump(i)) behind_jump = true;
    const RegisterEffects e = register_effects(i);
    for (const u8 number : {first.key.base, first.key.index})
      if (number < 16 && ((e.written >> number) & 1) != 0) return group;
    if (e.shift != 0 && first.key.uses(e.shifted)) {
      if (first.key.index == e.shifted) return group;
      shift += e.shift;
      if (shift > kMaximumSpan || shift < -kMaximumSpan) return group;
    }
  }
  return group;
}

}  // namespace backplane::tcg
