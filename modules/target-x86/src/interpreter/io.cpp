// SPDX-License-Identifier: MIT
// IN and OUT.
#include "execution.h"
#include "handlers.h"

namespace backplane::x86::interpreter {
namespace {

u16 port_number(const Execution& x, const Instruction& i, const Operand& o) {
  return static_cast<u16>(o.kind == OperandKind::Immediate ? i.immediate & 0xff : x.state.gpr[RDX]);
}

void input(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[0].size;
  const u16 port = port_number(x, i, i.operand[1]);
  check_io_permission(x.context, port, size);
  x.set_reg(RAX, size, port_in(x.context, port, size));
  x.watch_port(port, size);
}

void output(Execution& x, const Instruction& i) {
  const unsigned size = i.operand[1].size;
  const u16 port = port_number(x, i, i.operand[0]);
  check_io_permission(x.context, port, size);
  port_out(x.context, port, static_cast<u32>(x.reg(RAX, size)), size);
  x.watch_port(port, size);
}

}  // namespace

void add_io_handlers(HandlerTable& t) {
  t.add(ZYDIS_MNEMONIC_IN, input);
  t.add(ZYDIS_MNEMONIC_OUT, output);
}

}  // namespace backplane::x86::interpreter
