// SPDX-License-Identifier: MIT
// A keyboard of 101 or more keys at a PS/2 port. It repeats no keys by itself: who types does.
// [PS/2 "Keyboards (101- and 102-Key)"]
#pragma once

#include <functional>

#include "backplane/input.h"
#include "i8042/ps2_port.h"

namespace backplane::pc {

class Ps2Keyboard final : public Ps2Device {
 public:
  enum Led : u8 { kScrollLock = 1, kNumLock = 2, kCapsLock = 4 };

  void write(u8 byte) override;
  std::optional<u8> read() override { return state_.queue.take(); }

  void reset() { state_ = {}; }
  static std::span<const StateMember> members();

  // A key that does not fit between those that nobody has read yet is lost.
  void key(KeyCode code, bool down);
  u8 leds() const { return state_.leds; }

 private:
  void parameter(u8 command, u8 value);
  void command(u8 byte);
  void set_defaults();

  struct State {
    Ps2Queue queue;
    u8 awaits = 0;  // the command whose parameter comes next
    u8 set = 2;
    u8 leds = 0;
    u8 rate = 0x2b;  // of repetition, and the delay before: 10.9 a second, 500 ms
    bool scanning = true;
    bool alt = false;  // either one is held
    static std::span<const StateMember> members();
  };
  State state_;
};

}  // namespace backplane::pc
