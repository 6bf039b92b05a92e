// SPDX-License-Identifier: MIT
#include "translate/flags_recipe.h"

namespace backplane::tcg {
namespace {

using Kind = FlagsRecipe::Kind;

// The operations of opcodes 00 to 3F and of group 1, in the order of their numbers.
enum Operation : unsigned { kAdd, kOr, kAdc, kSbb, kAnd, kSub, kXor, kCmp };

bool plain_byte_register(const Insn& i, u8 number) { return i.rex_present || number < 4; }

// Of an operation that has written `left`, or only compared it.
FlagsRecipe of_operation(unsigned operation, FlagsRecipe r) {
  const bool with_itself = r.right == r.left;
  switch (operation) {
    case kAdd:
      // What was doubled has lost its highest bit.
      r.kind = with_itself ? Kind::None : Kind::Sum;
      return r;
    case kSub:
      r.kind = with_itself ? Kind::Zero : Kind::Difference;
      return r;
    case kXor:
      if (with_itself) {
        r.kind = Kind::Zero;
        return r;
      }
      [[fallthrough]];
    case kAnd:
    case kOr:  // of the result alone
      r.kind = Kind::Test;
      r.right = r.left;
      return r;
    case kCmp:
      r.kind = Kind::Compare;
      return r;
    default:
      return {};
  }
}

FlagsRecipe with_immediate(const Insn& i, u8 left, unsigned size) {
  FlagsRecipe r;
  r.size = static_cast<u8>(size);
  r.left = left;
  r.immediate = size == 1   ? static_cast<i8>(i.immediate)
                : size == 2 ? static_cast<i16>(i.immediate)
                            : static_cast<i32>(i.immediate);
  return r;
}

// Opcodes 00 to 3F.
FlagsRecipe of_two_operands(const Insn& i) {
  const unsigned form = i.opcode & 7u, operation = i.opcode >> 3;
  const bool byte = (form & 1) == 0;
  const unsigned size = byte ? 1 : i.operand_size();
  if (form >= 4) return of_operation(operation, with_immediate(i, 0, size));
  const bool to_rm = form < 2;
  const bool logical = operation == kAnd || operation == kOr || operation == kXor;
  // A result in a register tells of itself; of another operand in memory nothing is left.
  if (i.memory && (to_rm || !logical)) return {};
  if (byte && (!plain_byte_register(i, i.reg) || (!i.memory && !plain_byte_register(i, i.rm))))
    return {};
  FlagsRecipe r;
  r.size = static_cast<u8>(size);
  r.left = to_rm ? i.rm : i.reg;
  r.right = i.memory ? FlagsRecipe::kImmediate : to_rm ? i.reg : i.rm;
  return of_operation(operation, r);
}

}  // namespace

bool FlagsRecipe::outlasts(const RegisterEffects& e) const {
  if (kind == Kind::None) return false;
  if (kind == Kind::Zero) return true;
  u16 changed = e.written;
  if (e.shift != 0) changed |= static_cast<u16>(1u << e.shifted);
  if ((changed >> left & 1) != 0) return false;
  return right == kImmediate || (changed >> right & 1) == 0;
}

FlagsRecipe flags_recipe(const Insn& i) {
  if (i.row.op != Op::Native || i.map != 0 || i.vex || i.row.unit != Unit::None ||
      i.row.flags_killed != kFlagsAll)
    return {};
  if (i.opcode < 0x40) return of_two_operands(i);
  const unsigned group = i.reg & 7u;
  const bool byte = (i.opcode & 1) == 0;
  const unsigned size = byte ? 1 : i.operand_size();
  switch (i.opcode) {
    case 0x80:
    case 0x81:
    case 0x83: {
      const unsigned width = i.opcode == 0x80 ? 1 : i.operand_size();
      if (i.memory || (width == 1 && !plain_byte_register(i, i.rm))) return {};
      return of_operation(group, with_immediate(i, i.rm, width));
    }
    case 0x84:
    case 0x85: {
      if (i.memory || (byte && (!plain_byte_register(i, i.reg) || !plain_byte_register(i, i.rm))))
        return {};
      FlagsRecipe r;
      r.kind = Kind::Test;
      r.size = static_cast<u8>(size);
      r.left = i.rm;
      r.right = i.reg;
      return r;
    }
    case 0xa8:
    case 0xa9: {
      FlagsRecipe r = with_immediate(i, 0, size);
      r.kind = Kind::Test;
      return r;
    }
    case 0xf6:
    case 0xf7: {
      if (i.memory || (group != 0 && group != 1 && group != 3) ||
          (byte && !plain_byte_register(i, i.rm)))
        return {};
      FlagsRecipe r = with_immediate(i, i.rm, size);
      r.kind = group == 3 ? Kind::Negation : Kind::Test;
      return r;
    }
    default:
      return {};
  }
}

}  // namespace backplane::tcg
