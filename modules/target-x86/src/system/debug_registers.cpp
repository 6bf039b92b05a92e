// SPDX-License-Identifier: MIT
// [SDM 3B "Debug Registers"]
#include "backplane/x86/system.h"

namespace backplane::x86 {

namespace {

constexpr u64 kDr6Ones = 0xffff0ff0, kDr6Writable = 0xe00f, kDr6AccessDetected = 1u << 13;
constexpr u64 kDr7Ones = 0x400, kDr7Writable = 0xffff23ff, kDr7GeneralDetect = 1u << 13;

// Checks that come before any access; returns the register that is meant.
unsigned checked_number(Context c, unsigned number) {
  X86State& s = c.state();
  if (s.cpl() != 0) raise_fault(kGP, 0);
  if (number == 4 || number == 5) {
    if ((s.cr4 & kCr4DE) != 0) raise_fault(kUD);
    number += 2;
  }
  if ((s.dr[7] & kDr7GeneralDetect) != 0) {
    s.dr[6] |= kDr6AccessDetected;
    s.dr[7] &= ~kDr7GeneralDetect;
    raise_fault(kDB);
  }
  return number;
}

}  // namespace

u64 read_dr(Context c, unsigned number) { return c.state().dr[checked_number(c, number)]; }

void write_dr(Context c, unsigned number, u64 value) {
  X86State& s = c.state();
  number = checked_number(c, number);
  if (number >= 6 && value >> 32 != 0) raise_fault(kGP, 0);
  if (number == 6) value = (value & kDr6Writable) | kDr6Ones;
  if (number == 7) value = (value & kDr7Writable) | kDr7Ones;
  s.dr[number] = value;
}

}  // namespace backplane::x86
