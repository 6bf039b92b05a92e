// SPDX-License-Identifier: MIT
// A mouse at a PS/2 port: of three buttons, or with a wheel and five of them once the guest has
// asked for that in the way that Microsoft's IntelliMouse is asked.
// [PS/2 "Auxiliary Device Interface"]
#pragma once

#include "backplane/input.h"
#include "i8042/ps2_port.h"

namespace backplane::pc {

class Ps2Mouse final : public Ps2Device {
 public:
  void write(u8 byte) override;
  std::optional<u8> read() override;

  void reset() { state_ = {}; }
  static std::span<const StateMember> members();

  // What happens is told by sync(); movement that the guest has not read adds up.
  void move_by(i32 dx, i32 dy);
  void button(PointerButton button, bool down);
  void sync();
  // It says what happens by itself.
  bool reports() const { return state_.enabled && !state_.remote && !state_.wrap; }

 private:
  void parameter(u8 command, u8 value);
  void command(u8 byte);
  void set_rate(u8 rate);
  void set_defaults();
  std::vector<u8> status() const;
  // The next movement that fits into one, and the buttons.
  std::vector<u8> packet();
  bool has_news() const;
  void add_packets();

  struct State {
    Ps2Queue queue;
    u8 awaits = 0;    // the command whose parameter comes next
    u8 identity = 0;  // 0: three buttons, 3: and a wheel, 4: and two more
    u8 rate = 100;
    std::array<u8, 2> rates_before{};  // of which three in a row ask for another identity
    u8 resolution = 2;
    bool scaling = false;
    bool enabled = false;
    bool remote = false;
    bool wrap = false;
    i32 dx = 0, dy = 0, dz = 0;  // to be told; to the right, downwards, towards the user
    u8 buttons = 0;
    u8 buttons_told = 0;
    static std::span<const StateMember> members();
  };
  State state_;
};

}  // namespace backplane::pc
