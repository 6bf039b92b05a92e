// SPDX-License-Identifier: MIT
#include "decode/forms.h"

#include <array>

namespace backplane::tcg {
namespace {

constexpr Form form(OpcodeMap map, u8 prefixes, columns::Opcodes opcodes, u32 when, u16 operands,
                    MemSize size, Imm imm, u8 reads, u8 writes, u8 may_write, columns::Needs needs,
                    Unit unit, Op op) {
  Row row;
  row.op = op;
  row.operands = operands;
  row.mem = size;
  row.imm = imm;
  row.unit = unit;
  row.flags_read = reads;
  row.flags_killed = writes;
  row.flags_touched = writes | may_write;
  row.feature = needs.feature;
  row.has_modrm = (when & columns::Plain) == 0;
  return {map, prefixes, opcodes.first, opcodes.last, when, needs.feature256, row};
}

constexpr auto kForms = [] {
  using namespace columns;
  using enum Feature;
#define FORM(map, prefixes, opcodes, when, mnemonic, operands, size, imm, reads, writes, may,     \
             needs, unit, op)                                                                     \
  form(OpcodeMap::map, prefixes, opcodes, when, operands, MemSize::size, Imm::imm, reads, writes, \
       may, needs, Unit::unit, Op::op),
  return std::to_array<Form>({
#include "decode/opcodes.inc"
  });
#undef FORM
}();

using Index = std::array<std::array<u16, 256>, kOpcodeMaps>;
constexpr u16 kNoForm = 0xffff;

// Where the forms of each opcode begin.
constexpr Index kIndex = [] {
  Index index{};
  for (auto& map : index) map.fill(kNoForm);
  for (std::size_t n = kForms.size(); n-- != 0;)
    for (unsigned opcode = kForms[n].first; opcode <= kForms[n].last; ++opcode)
      index[static_cast<unsigned>(kForms[n].map)][opcode] = static_cast<u16>(n);
  return index;
}();

constexpr bool is_of(const Form& form, OpcodeMap map, u8 opcode) {
  return form.map == map && form.first <= opcode && opcode <= form.last;
}

// The forms of an opcode stand together and agree on ModRM.
static_assert([] {
  for (std::size_t n = 1; n < kForms.size(); ++n) {
    const Form& before = kForms[n - 1];
    const Form& here = kForms[n];
    if (here.map < before.map || (here.map == before.map && here.first < before.first))
      return false;
    if (!is_of(before, here.map, here.first)) continue;
    if (here.first != before.first || here.last != before.last ||
        here.row.has_modrm != before.row.has_modrm)
      return false;
  }
  return true;
}());

u32 conditions_met(const Insn& i) {
  using namespace columns;
  u32 met = (i.vex_l != 0 ? L1 : L0) | (i.w ? W1 : W0) | (i.code_bits == 64 ? Only64 : Not64);
  if (i.has_modrm) met |= i.memory ? Mem : Reg;
  if (!i.operand_size_prefix) met |= Without66;
  if (i.reg < 8) met |= LowReg;
  return met;
}

}  // namespace

FormsOfOpcode::FormsOfOpcode(OpcodeMap map, u8 opcode) : map_(map), opcode_(opcode) {
  const u16 at = kIndex[static_cast<unsigned>(map)][opcode];
  first_ = at != kNoForm ? &kForms[at] : nullptr;
}

const Form* FormsOfOpcode::find(const Insn& i, Prefix prefix) const {
  using namespace columns;
  const u32 met = conditions_met(i);
  const u32 digit = Digit(i.reg & 7);
  const u32 rm = kRmBit | (i.rm & 7u) << kRmShift;
  constexpr u32 kAnyDigit = Digit(0, 1, 2, 3, 4, 5, 6, 7), kAnyRm = kRmBit | 7u << kRmShift;
  const Form* const end = kForms.data() + kForms.size();
  for (const Form* form = first_; form != end && is_of(*form, map_, opcode_); ++form) {
    if ((form->prefixes >> prefix & 1) == 0 || (form->when & kConditions & ~met) != 0) continue;
    if ((form->when & kAnyDigit) != 0 && (form->when & digit) == 0) continue;
    if ((form->when & kRmBit) != 0 && (form->when & kAnyRm) != rm) continue;
    return form;
  }
  return nullptr;
}

u16 number_of(const Form& form) { return static_cast<u16>(&form - kForms.data()); }

}  // namespace backplane::tcg
