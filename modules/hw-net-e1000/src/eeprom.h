// SPDX-License-Identifier: MIT
// The 64 words of a Microwire EEPROM that tell a card who it is, and the wires to it. Nothing that
// is written stays. [8254x §5 "EEPROM Interface", 13.4.3 "EEPROM/Flash Control & Data Register"]
#pragma once

#include <array>
#include <span>

#include "backplane/netdev.h"
#include "backplane/state.h"
#include "backplane/types.h"

namespace backplane::e1000 {

class Eeprom {
 public:
  static constexpr unsigned kWords = 64;

  void set_contents(const MacAddress& mac);
  u16 word(unsigned index) const { return index < kWords ? words_[index] : u16{0xffff}; }

  // The software drives the wires: CS, SK and DI of EECD.
  void drive(u32 eecd);
  bool output() const { return state_.output; }

  void reset() { state_ = {}; }
  static std::span<const StateMember> members();

 private:
  struct State {
    bool selected = false;
    bool clock = false;
    u32 shifted = 0;  // bits since the start bit, which is one of them
    u8 bits = 0;      // as many
    bool reading = false;
    u32 address = 0;  // of what is read
    u8 bits_out = 0;  // of it
    bool output = true;
    static std::span<const StateMember> members();
  };
  void clock_rises(bool input);

  std::array<u16, kWords> words_{};
  State state_;
};

}  // namespace backplane::e1000
