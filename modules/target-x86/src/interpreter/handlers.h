// SPDX-License-Identifier: MIT
// Which function executes which instruction. Each topic adds its own rows.
#pragma once

#include <Zydis/Mnemonic.h>

#include <array>

#include "instruction.h"

namespace backplane::x86::interpreter {

class HandlerTable {
 public:
  struct Entry {
    Handler handler = nullptr;
    u8 argument = 0;
  };

  void add(ZydisMnemonic mnemonic, Handler handler, u8 argument = 0) {
    entries_[mnemonic] = {handler, argument};
  }
  const Entry& find(ZydisMnemonic mnemonic) const { return entries_[mnemonic]; }

  // The one table, made on first use.
  static const HandlerTable& get();

 private:
  std::array<Entry, ZYDIS_MNEMONIC_MAX_VALUE + 1> entries_{};
};

void add_arithmetic_handlers(HandlerTable& table);
void add_bit_handlers(HandlerTable& table);
void add_control_flow_handlers(HandlerTable& table);
void add_data_handlers(HandlerTable& table);
void add_decimal_handlers(HandlerTable& table);
void add_exchange_handlers(HandlerTable& table);
void add_flag_handlers(HandlerTable& table);
void add_fpu_state_handlers(HandlerTable& table);
void add_io_handlers(HandlerTable& table);
void add_multiply_handlers(HandlerTable& table);
void add_segment_handlers(HandlerTable& table);
void add_shift_handlers(HandlerTable& table);
void add_stack_handlers(HandlerTable& table);
void add_string_handlers(HandlerTable& table);
void add_system_handlers(HandlerTable& table);
void add_vector_memory_handlers(HandlerTable& table);
void add_x87_environment_handlers(HandlerTable& table);

// #UD.
void invalid_opcode(Execution& x, const Instruction& i);

}  // namespace backplane::x86::interpreter
