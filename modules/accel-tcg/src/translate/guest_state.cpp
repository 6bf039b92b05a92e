// SPDX-License-Identifier: MIT
#include "translate/guest_state.h"

#include "runtime/jit_state.h"

namespace backplane::tcg {

void move_guest(Assembler& a, u8 host, unsigned guest) {
  const u8 home = host_register(guest);
  if (home == kSpilled)
    load_guest(a, host, guest);
  else
    a.mov(Assembler::r64(host), Assembler::r64(home));
}

void move_stack_pointer(Assembler& a, Mode mode, i32 by) {
  if (mode.code64()) {
    a.lea(a.guest_rsp, a.ptr[a.guest_rsp + by]);
  } else if (!mode.has(Mode::kStack16)) {
    a.lea(a.guest_rspd, a.ptr[a.guest_rsp + by]);
  } else {
    a.lea(a.t1d, a.ptr[a.guest_rsp + by]);
    a.mov(a.guest_rspw, a.t1w);
  }
}

HostMemory segment_base(Assembler& a, unsigned number) {
  return a.field(static_cast<int>(offsetof(X86State, seg) + number * sizeof(x86::Segment) +
                                  offsetof(x86::Segment, base)));
}

void emit_page_relative(Assembler& a, u8 to, i64 offset) {
  a.load_field(to, BACKPLANE_JIT_OFFSET(page_base));
  if (offset != 0) a.lea(Assembler::r64(to), a.ptr[Assembler::r64(to) + static_cast<int>(offset)]);
}

}  // namespace backplane::tcg
