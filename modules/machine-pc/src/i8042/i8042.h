// SPDX-License-Identifier: MIT
// The 8042 keyboard controller: two ports for devices, of which one byte at a time is in its output
// buffer. [PS/2 "Keyboard and Auxiliary Device Controller"]
#pragma once

#include <functional>
#include <vector>

#include "backplane/irq.h"
#include "backplane/log.h"
#include "backplane/state.h"
#include "backplane/types.h"
#include "i8042/ps2_port.h"

namespace backplane::pc {

// Machine lock for all calls.
class KeyboardController {
 public:
  // The lines are inputs 1 and 12. `reset_machine` is called when the guest pulses the reset
  // output. The devices outlive it.
  KeyboardController(IrqLine keyboard_irq, IrqLine aux_irq, Ps2Device& keyboard, Ps2Device& aux,
                     std::function<void()> reset_machine);

  void reset();
  // The lines are driven anew.
  void loaded() { update_irqs(); }
  static std::span<const StateMember> members();
  u8 read_data();         // port 60h
  void write_data(u8 v);  // port 60h
  u8 read_status();       // port 64h
  void write_command(u8 v);

 private:
  struct State {
    std::vector<u8> answers;  // the controller's own, which come first
    u8 output = 0;            // the buffer, also when it was read
    bool full = false;
    bool of_aux = false;    // what is in it
    u8 mode = 0x30;         // the command byte: both ports disabled
    u8 awaits = 0;          // controller command waiting for its data byte
    bool released = false;  // translation: the prefix of a release came
    bool last_was_command = false;
    static std::span<const StateMember> members();
  };

  void answer(u8 byte);
  void controller_data(u8 command, u8 v);
  // Puts the next byte into the buffer, if it is empty.
  void fill();
  void put(u8 byte, bool of_aux);
  std::optional<u8> from_keyboard();
  void update_irqs();

  IrqLine keyboard_irq_, aux_irq_;
  Ps2Device& keyboard_;
  Ps2Device& aux_;
  std::function<void()> reset_machine_;
  State state_;
  Unimplemented unimplemented_;
};

}  // namespace backplane::pc
