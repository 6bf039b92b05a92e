// SPDX-License-Identifier: MIT
// The 8042 keyboard controller, with a keyboard that answers commands and types nothing.
// [IBM PS/2 Hardware Interface Technical Reference, "Keyboard and Auxiliary Device Controller"]
#pragma once

#include <functional>
#include <vector>

#include "backplane/irq.h"
#include "backplane/log.h"
#include "backplane/state.h"
#include "backplane/types.h"

namespace backplane::pc {

// Machine lock for all calls.
class KeyboardController {
 public:
  // `keyboard_irq` is input 1. `reset_machine` is called when the guest pulses the reset output.
  KeyboardController(IrqLine keyboard_irq, std::function<void()> reset_machine)
      : irq_(keyboard_irq), reset_machine_(std::move(reset_machine)) {}

  void reset();
  static std::span<const StateMember> members();
  u8 read_data();         // port 60h
  void write_data(u8 v);  // port 60h
  u8 read_status();       // port 64h
  void write_command(u8 v);

 private:
  struct State {
    std::vector<u8> output;  // what the guest has yet to read, the next byte first
    u8 mode = 0x30;          // the command byte: both ports disabled
    u8 awaits = 0;           // controller command waiting for its data byte
    u8 keyboard_awaits = 0;  // keyboard command waiting for its parameter
    bool last_was_command = false;
    static std::span<const StateMember> members();
  };

  void answer(u8 byte);
  void controller_data(u8 command, u8 v);
  void keyboard_command(u8 v);
  void update_irq();

  IrqLine irq_;
  std::function<void()> reset_machine_;
  State state_;
  Unimplemented unimplemented_;
};

}  // namespace backplane::pc
