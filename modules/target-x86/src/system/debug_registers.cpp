// SPDX-License-Identifier: MIT
// [SDM 3B "Debug Registers"]
#include "backplane/x86/system.h"

namespace backplane::x86 {

namespace {

constexpr u64 kDr6Ones = 0xffff0ff0, kDr6Writable = kDr6BT | kDr6BS | kDr6BD | kDr6Breakpoints;
constexpr u64 kDr7Ones = 0x400, kDr7Writable = 0xffff23ff;

// Which breakpoints hit is that of the last exception, the other conditions stay until they are
// cleared. [SDM 3B "Debug Status Register (DR6)"; APM 2 "Debug-Status Register (DR6)"]
void report_conditions(X86State& s, u64 conditions) {
  s.dr[6] = (s.dr[6] & ~kDr6Breakpoints) | conditions;
}

// Checks that come before any access; returns the register that is meant.
unsigned checked_number(Context c, unsigned number) {
  X86State& s = c.state();
  if (s.cpl() != 0) raise_fault(kGP, 0);
  if (number == 4 || number == 5) {
    if ((s.cr4 & kCr4DE) != 0) raise_fault(kUD);
    number += 2;
  }
  if ((s.dr[7] & kDr7GD) != 0) {
    report_conditions(s, kDr6BD);
    raise_fault(kDB);
  }
  return number;
}

}  // namespace

void deliver_debug_exception(Context c, u64 conditions) noexcept {
  X86State& s = c.state();
  report_conditions(s, conditions);
  deliver_event(c, EventKind::Debug, kDB, s.rip);
}

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
