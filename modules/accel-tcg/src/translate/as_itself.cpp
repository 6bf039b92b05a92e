// SPDX-License-Identifier: MIT
#include "translate/as_itself.h"

#include "translate/group/instructions.h"
#include "translate/guest_state.h"

namespace backplane::tcg {
namespace {

bool is_high_byte(const Insn& i, u8 number) {
  return !i.rex_present && !i.vex && number >= 4 && number < 8;
}

// True if an r/m register that lives in the state can be operated on where it lies: the memory
// form of the instruction means the same, and need not clear the register's upper half.
bool works_in_memory(const Insn& i) {
  if (i.row.unit != Unit::None || (i.row.operands & kOtherInMemory) != 0) return false;
  const bool writes = (i.row.operands & kRmWrite) != 0;
  return !writes || i.operand_size() != 4 || (i.row.operands & kByteOperand) != 0;
}

// The host's registers for an instruction's general ones. Those that live in the state are loaded
// before it and stored behind it.
class Registers {
 public:
  Registers(Emitter& e, const Insn& i, RmOperand operand)
      : reg(i.reg), vvvv(i.vvvv), rm(operand), e_(e), i_(i), ops_(i.row.operands) {
    const bool byte = (ops_ & kByteOperand) != 0;
    const bool rm_is_byte = byte || ((ops_ & kRmNarrow) != 0 && i.row.mem == MemSize::Byte);
    partial_width_ = byte || i.operand_size() == 2;
    reg_is_general_ = (ops_ & (kRegRead | kRegWrite)) != 0;
    rm_is_general_ = !i.memory && (ops_ & (kRmRead | kRmWrite)) != 0;
    reg_is_high = reg_is_general_ && byte && is_high_byte(i, i.reg);
    rm_is_high = rm_is_general_ && rm_is_byte && is_high_byte(i, i.rm);
  }

  void use() {
    if (reg_is_general_ && !reg_is_high) use_reg();
    if ((ops_ & (kVvvvRead | kVvvvWrite)) != 0) use_vvvv();
    if (rm_is_general_) use_rm();
  }

  // MULX with one register for both halves leaves the high one, ModRM.reg's.
  void define() {
    if (define_vvvv_) e_.define(i_.vvvv, vvvv);
    if (define_reg_) e_.define(i_.reg, reg);
    if (define_rm_) e_.define(i_.rm, rm.reg);
  }

  u8 reg, vvvv;
  RmOperand rm;
  bool reg_is_high = false, rm_is_high = false;  // AH, CH, DH, BH

 private:
  bool has(u16 operand) const { return (ops_ & operand) != 0; }

  // T2 last: what it holds is worth the most.
  u8 scratch() {
    const bool operand_in_t0 = i_.memory && rm.reg == kT0;
    const u8 order[] = {kT1, operand_in_t0 ? kT2 : kT0, kT2};
    return e_.scratch(order[taken_++]);
  }

  void use_reg() {
    reg = host_register(i_.reg);
    if (reg != kSpilled) return;
    reg = scratch();
    if (has(kRegRead | kRegPartial) || partial_width_) e_.use_in(reg, i_.reg);
    define_reg_ = has(kRegWrite);
  }

  void use_vvvv() {
    vvvv = host_register(i_.vvvv);
    if (vvvv != kSpilled) return;
    vvvv = scratch();
    if (has(kVvvvRead)) e_.use_in(vvvv, i_.vvvv);
    define_vvvv_ = has(kVvvvWrite);
  }

  void use_rm() {
    rm.reg = host_register(i_.rm);
    if (rm.reg != kSpilled) return;
    if (i_.rm == i_.reg && has(kRegWrite) && has(kRmWrite)) {
      rm.reg = reg;  // which of two results stays (XADD) is the processor's to say
    } else if (works_in_memory(i_)) {
      rm = RmOperand::at(kState, i_.rm * 8);
    } else {
      rm.reg = scratch();
      if (has(kRmRead) || partial_width_) e_.use_in(rm.reg, i_.rm);
      define_rm_ = has(kRmWrite);
    }
  }

  Emitter& e_;
  const Insn& i_;
  const u16 ops_;
  bool partial_width_ = false, reg_is_general_ = false, rm_is_general_ = false;
  bool define_reg_ = false, define_vvvv_ = false, define_rm_ = false;
  unsigned taken_ = 0;
};

}  // namespace

Encoding encoding_of(const Insn& i) {
  return {.map = i.map,
          .opcode = i.opcode,
          .operand_size_prefix = i.operand_size_prefix,
          .repeat_prefix = i.repeat_prefix,
          .lock = i.lock,
          .w = i.w,
          .vex = i.vex,
          .vex_l = i.vex_l,
          .vex_pp = i.vex_pp,
          .has_modrm = i.has_modrm,
          .immediate_size = i.immediate_size,
          .immediate = i.immediate};
}

RmOperand emit_operand(Emitter& e, const Insn& i) {
  const u16 operands = i.row.operands;
  if (!i.memory || (operands & (kMemRead | kMemWrite)) == 0) return RmOperand::of_register(i.rm);
  return e.operands.checked(i.memory_size(), (operands & kMemWrite) != 0, Operands::FlagsIn::Host);
}

void emit_on_operand(Emitter& e, const Insn& i, RmOperand operand) {
  const Encoding encoding = encoding_of(i);
  e.flags.prepare();
  e.flags.note_native_fault(i);
  Registers r(e, i, operand);
  if (!i.memory && (r.reg_is_high || r.rm_is_high)) {
    // No operand can need REX: encode it as it is.
    e.a.encode(encoding, i.reg, RmOperand::of_register(i.rm), 0, false);
    return e.flags.written(i.row);
  }
  r.use();
  if (r.reg_is_high) {
    // Beside an operand in memory, whose base needs REX: swap the two low bytes around it.
    const u8 whole = i.reg - 4;
    e.a.swap_low_bytes(whole);
    e.a.encode(encoding, whole, r.rm, r.vvvv, false);
    e.a.swap_low_bytes(whole);
  } else {
    e.a.encode(encoding, r.reg, r.rm, r.vvvv, i.rex_present);
  }
  r.define();
  e.flags.written(i.row);
}

void emit_as_itself(Emitter& e, const ScannedInsn& s) {
  emit_on_operand(e, s.insn, emit_operand(e, s.insn));
}

}  // namespace backplane::tcg
