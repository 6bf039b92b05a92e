// SPDX-License-Identifier: MIT
// The transceiver's registers, over MDIO. It agrees with its partner on 1000 Mbit/s, full duplex,
// at once. [8254x §13.4.7 "MDI Control Register", 11 "PHY Functionality and Features"; IEEE 802.3
// "Management functions"]
#pragma once

#include <array>
#include <span>

#include "backplane/state.h"
#include "backplane/types.h"

namespace backplane::e1000 {

class Phy {
 public:
  static constexpr unsigned kRegisters = 32;

  Phy() { reset(); }
  void reset();

  u16 read(unsigned index, bool link) const;
  // True if the link was negotiated anew.
  bool write(unsigned index, u16 value);
  bool loops_back() const;
  bool is_down() const;

  static std::span<const StateMember> members();

 private:
  std::array<u16, kRegisters> registers_{};
};

}  // namespace backplane::e1000
