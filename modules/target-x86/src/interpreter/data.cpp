// SPDX-License-Identifier: MIT
// MOV and its conditional, extending and non-temporal relatives, LEA, XLAT, SETcc, CBW and CWD.
#include "execution.h"
#include "handlers.h"
#include "moves.h"

namespace backplane::x86::interpreter {
namespace {

void move(Execution& x, const Instruction& i) {
  const Operand& to = i.operand[0];
  const Operand& from = i.operand[1];
  if (to.kind == OperandKind::Segment) return move_to_segment(x, i);
  if (to.kind == OperandKind::Control || from.kind == OperandKind::Control)
    return move_control(x, i);
  if (to.kind == OperandKind::Debug || from.kind == OperandKind::Debug) return move_debug(x, i);
  x.store(i, to, x.load(i, from));
}

// MOVNTI, MOVDIRI: to memory only.
void move_plain(Execution& x, const Instruction& i) {
  x.store(i, i.operand[0], x.load(i, i.operand[1]));
}

void move_zero_extended(Execution& x, const Instruction& i) {
  x.store_register(i.operand[0], x.load(i, i.operand[1]));
}

void move_sign_extended(Execution& x, const Instruction& i) {
  const Operand& from = i.operand[1];
  x.store_register(i.operand[0], static_cast<u64>(sign_extend(x.load(i, from), from.size)));
}

// The source is read, and a 32-bit destination is zero-extended, whatever the condition.
void move_conditional(Execution& x, const Instruction& i) {
  const u64 source = x.load(i, i.operand[1]);
  const bool move = condition_holds(i.argument, x.state.rflags);
  x.store_register(i.operand[0], move ? source : x.load(i, i.operand[0]));
}

void set_conditional(Execution& x, const Instruction& i) {
  x.store(i, i.operand[0], condition_holds(i.argument, x.state.rflags) ? 1 : 0);
}

void load_address(Execution& x, const Instruction& i) {
  x.store_register(i.operand[0], x.effective_address(i.memory));
}

void translate_byte(Execution& x, const Instruction& i) {
  const u64 offset = (x.effective_address(i.memory) + x.reg(RAX, 1)) & mask_of(i.address_size);
  x.set_reg(RAX, 1, x.read(x.linear(i.memory.segment, offset, 1, false), 1));
}

// CBW, CWDE, CDQE: `argument` is the size of the result.
void extend_accumulator(Execution& x, const Instruction& i) {
  const unsigned half = i.argument / 2U;
  x.set_reg(RAX, i.argument, static_cast<u64>(sign_extend(x.reg(RAX, half), half)));
}

// CWD, CDQ, CQO.
void extend_to_pair(Execution& x, const Instruction& i) {
  const bool negative = (x.state.gpr[RAX] & sign_of(i.argument)) != 0;
  x.set_reg(RDX, i.argument, negative ? ~u64{0} : 0);
}

// MOVDIR64B: 64 bytes to the address in a register, which is aligned to 64.
void move_64_bytes(Execution& x, const Instruction& i) {
  const u64 to = x.reg(i.operand[0].reg, i.address_size);
  const u64 destination = x.linear(ES, to, 64, true);
  if ((destination & 63) != 0) raise_fault(kGP, 0);
  u8 data[64];
  x.read_bytes(x.linear(i, sizeof data, false), data, sizeof data);
  x.write_bytes(destination, data, sizeof data);
}

}  // namespace

void add_data_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_MOV, move);
  t.add(ZYDIS_MNEMONIC_MOVNTI, move_plain);
  t.add(ZYDIS_MNEMONIC_MOVDIRI, move_plain);
  t.add(ZYDIS_MNEMONIC_MOVDIR64B, move_64_bytes);
  t.add(ZYDIS_MNEMONIC_MOVZX, move_zero_extended);
  t.add(ZYDIS_MNEMONIC_MOVSX, move_sign_extended);
  t.add(ZYDIS_MNEMONIC_MOVSXD, move_sign_extended);
  t.add(ZYDIS_MNEMONIC_LEA, load_address);
  t.add(ZYDIS_MNEMONIC_XLAT, translate_byte);
  t.add(ZYDIS_MNEMONIC_CBW, extend_accumulator, 2);
  t.add(ZYDIS_MNEMONIC_CWDE, extend_accumulator, 4);
  t.add(ZYDIS_MNEMONIC_CDQE, extend_accumulator, 8);
  t.add(ZYDIS_MNEMONIC_CWD, extend_to_pair, 2);
  t.add(ZYDIS_MNEMONIC_CDQ, extend_to_pair, 4);
  t.add(ZYDIS_MNEMONIC_CQO, extend_to_pair, 8);

  constexpr ZydisMnemonic kMoves[16] = {
      ZYDIS_MNEMONIC_CMOVO, ZYDIS_MNEMONIC_CMOVNO, ZYDIS_MNEMONIC_CMOVB,  ZYDIS_MNEMONIC_CMOVNB,
      ZYDIS_MNEMONIC_CMOVZ, ZYDIS_MNEMONIC_CMOVNZ, ZYDIS_MNEMONIC_CMOVBE, ZYDIS_MNEMONIC_CMOVNBE,
      ZYDIS_MNEMONIC_CMOVS, ZYDIS_MNEMONIC_CMOVNS, ZYDIS_MNEMONIC_CMOVP,  ZYDIS_MNEMONIC_CMOVNP,
      ZYDIS_MNEMONIC_CMOVL, ZYDIS_MNEMONIC_CMOVNL, ZYDIS_MNEMONIC_CMOVLE, ZYDIS_MNEMONIC_CMOVNLE};
  constexpr ZydisMnemonic kSets[16] = {
      ZYDIS_MNEMONIC_SETO, ZYDIS_MNEMONIC_SETNO, ZYDIS_MNEMONIC_SETB,  ZYDIS_MNEMONIC_SETNB,
      ZYDIS_MNEMONIC_SETZ, ZYDIS_MNEMONIC_SETNZ, ZYDIS_MNEMONIC_SETBE, ZYDIS_MNEMONIC_SETNBE,
      ZYDIS_MNEMONIC_SETS, ZYDIS_MNEMONIC_SETNS, ZYDIS_MNEMONIC_SETP,  ZYDIS_MNEMONIC_SETNP,
      ZYDIS_MNEMONIC_SETL, ZYDIS_MNEMONIC_SETNL, ZYDIS_MNEMONIC_SETLE, ZYDIS_MNEMONIC_SETNLE};
  for (u8 condition = 0; condition < 16; ++condition) {
    t.add(kMoves[condition], move_conditional, condition);
    t.add(kSets[condition], set_conditional, condition);
  }
}

}  // namespace backplane::x86::interpreter
