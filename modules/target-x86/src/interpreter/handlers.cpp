// SPDX-License-Identifier: MIT
#include "handlers.h"

namespace backplane::x86::interpreter {

const HandlerTable& HandlerTable::get() {
  static const HandlerTable table = [] {
    HandlerTable t;
    add_arithmetic_handlers(t);
    add_bit_handlers(t);
    add_control_flow_handlers(t);
    add_data_handlers(t);
    add_decimal_handlers(t);
    add_exchange_handlers(t);
    add_flag_handlers(t);
    add_fpu_state_handlers(t);
    add_io_handlers(t);
    add_multiply_handlers(t);
    add_segment_handlers(t);
    add_shift_handlers(t);
    add_stack_handlers(t);
    add_string_handlers(t);
    add_system_handlers(t);
    add_vector_memory_handlers(t);
    add_x87_environment_handlers(t);
    return t;
  }();
  return table;
}

void invalid_opcode(Execution&, const Instruction&) { raise_fault(kUD); }

}  // namespace backplane::x86::interpreter
