// SPDX-License-Identifier: MIT
// Where guest registers live while translated code runs.
//
// Most general registers are where they are in the guest, so that implicit operands (RAX, RDX,
// RCX, RSI, RDI) need no care. The host's RSP points at the X86State (and, below it, at a host
// stack); the guest's RSP is in R15. R10, R11 and R14 are scratch; the guest's own R10, R11, R14
// and R15 live in the state. Vector and x87 registers are where they are in the guest.
#pragma once

#include "backplane/types.h"

namespace backplane::tcg {

constexpr u8 kT0 = 10;        // address, then host address, of a memory operand
constexpr u8 kT1 = 11;        // TLB index; then free
constexpr u8 kT2 = 14;        // kept across slow paths
constexpr u8 kGuestRsp = 15;  // host register that holds the guest's RSP
constexpr u8 kState = 4;      // RSP
constexpr u8 kSpilled = 0xff;

// Host register of a guest register, or kSpilled.
constexpr u8 host_register(unsigned guest) {
  switch (guest) {
    case 4:
      return kGuestRsp;
    case 10:
    case 11:
    case 14:
    case 15:
      return kSpilled;
    default:
      return static_cast<u8>(guest);
  }
}

}  // namespace backplane::tcg
