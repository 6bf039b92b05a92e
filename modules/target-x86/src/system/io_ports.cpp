// SPDX-License-Identifier: MIT
// IN and OUT: the permission, and the access itself. [SDM 1 "I/O Permission Bit Map"]
#include <chrono>
#include <thread>
#include <utility>

#include "backplane/machine.h"
#include "descriptor.h"

namespace backplane::x86 {

namespace {

thread_local i64 rest = 0;  // nanoseconds

}  // namespace

void check_io_permission(Context c, u16 port, unsigned size) {
  const X86State& s = c.state();
  if ((s.cr0 & kCr0PE) == 0) return;
  const bool v86 = (s.rflags & kVM) != 0;
  if (!v86 && s.cpl() <= (s.rflags & kIOPL) >> 12) return;

  constexpr unsigned kMapBase = 0x66, kMinimumLimit = 0x67;
  if (!s.tr.present() || (s.tr.type() & 8) == 0 || s.tr.limit < kMinimumLimit) raise_fault(kGP, 0);
  const u32 at =
      c.memory.load<u16>(s.tr.base + kMapBase, Privilege::ImplicitSupervisor) + port / 8u;
  if (at + 1 > s.tr.limit) raise_fault(kGP, 0);
  const u32 bits = c.memory.load<u16>(s.tr.base + at, Privilege::ImplicitSupervisor);
  const u32 asked = ((1u << size) - 1) << (port & 7u);
  if ((bits & asked) != 0) raise_fault(kGP, 0);
}

u32 port_in(Context c, u16 port, unsigned size) {
  u32 value = 0;
  rest = 0;
  c.cpu.machine().io().read(port, &value, size);
  if (rest > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(std::exchange(rest, 0)));
  return value;
}

void rest_behind_port_in(i64 nanoseconds) { rest = nanoseconds; }

void port_out(Context c, u16 port, u32 value, unsigned size) {
  c.cpu.machine().io().write(port, &value, size);
}

}  // namespace backplane::x86
