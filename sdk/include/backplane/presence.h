// SPDX-License-Identifier: MIT
// Where a machine is, as far as this program knows: here, or on its way (migration.h).
#pragma once

#include <initializer_list>

#include "backplane/types.h"

namespace backplane {

// Awaited: it is to be received. Leaving: it stands still, as what is sent is to be all of it.
// Unsure: it was given up, and the other program has not said that it has it.
enum class Presence : u8 { Awaited, Here, Leaving, Unsure, Gone };

// Some of them.
class Presences {
 public:
  constexpr Presences(std::initializer_list<Presence> places) {
    for (const Presence place : places) bits_ = static_cast<u8>(bits_ | bit(place));
  }
  constexpr bool has(Presence place) const { return (bits_ & bit(place)) != 0; }

 private:
  static constexpr u8 bit(Presence place) {
    return static_cast<u8>(1u << static_cast<unsigned>(place));
  }
  u8 bits_ = 0;
};

inline constexpr Presences kWherever{Presence::Awaited, Presence::Here, Presence::Leaving,
                                     Presence::Unsure, Presence::Gone};

}  // namespace backplane
