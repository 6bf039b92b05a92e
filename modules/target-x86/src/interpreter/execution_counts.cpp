// SPDX-License-Identifier: MIT
#include "execution_counts.h"

#include "instruction.h"

namespace backplane::x86::interpreter {

u16 ExecutionCounts::counter_of(ZydisMnemonic mnemonic, const Instruction& i) {
  if (mnemonic == ZYDIS_MNEMONIC_MOV) {
    for (const Operand& o : {i.operand[0], i.operand[1]}) {
      if (o.kind == OperandKind::Control) return kMoveControl;
      if (o.kind == OperandKind::Debug) return kMoveDebug;
      if (o.kind == OperandKind::Segment) return kMoveSelector;
    }
  }
  return static_cast<u16>(mnemonic);
}

std::string_view ExecutionCounts::name_of(u16 counter) {
  switch (counter) {
    case kMoveControl:
      return "mov cr";
    case kMoveDebug:
      return "mov dr";
    case kMoveSelector:
      return "mov sreg";
    default:
      return ZydisMnemonicGetString(static_cast<ZydisMnemonic>(counter));
  }
}

}  // namespace backplane::x86::interpreter
