// SPDX-License-Identifier: MIT
// A signal's frame on the stub's stack as a guest's registers, and back. Guest code may write to
// it at any time: it is read once, and what is not a state of ring 3 does not become one.
#pragma once

#include "backplane/x86/state.h"
#include "stub_process.h"

namespace backplane::native {

// Where the half of the address space ends that is programs'. [Linux
// Documentation/x86/x86_64/mm.rst]
constexpr u64 kUserEnd = u64{1} << 47;

// The kernel's layout. [Linux arch/x86/include/uapi/asm/sigcontext.h, ucontext.h]
struct SignalContext {
  u64 flags, link;
  u64 stack_start, stack_flags, stack_size;
  u64 r8, r9, r10, r11, r12, r13, r14, r15, rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
  u16 cs, gs, fs, ss;
  u64 error, vector, old_mask, cr2, extended_state;
  u64 reserved[8];
  u64 mask;
};
static_assert(sizeof(SignalContext) == 304);

// What a frame tells beside registers.
struct Trap {
  int signal = 0;
  u64 vector = 0, error = 0, cr2 = 0;
};

class SignalFrame {
 public:
  // From what the stub has handed over first, before any guest code. False: the host's kernel makes
  // frames that are not as expected.
  bool learn(const StubProcess& stub, const StubProcess::HandOver& first);

  // Makes the guest's registers those that the task goes on with.
  void write(const StubProcess& stub, const x86::X86State& state) const;
  // The reverse. RIP is where the host's is. False: it is no frame of ours, or a state that ring 3
  // of 64-bit code cannot have; then nothing was changed.
  bool read(const StubProcess& stub, const StubProcess::HandOver& from, x86::X86State& state,
            Trap& trap) const;

 private:
  u64 address_ = 0;       // in the stub
  u64 state_at_ = 0;      // offset of the extended state in the area
  SignalContext like_{};  // what does not change
  u8 software_[48] = {};  // of the extended state, bytes 464 to 511
  u64 end_mark_at_ = 0;   // offset in the extended state of its last word
};

// Selectors of user code in the host's kernel: guests whose own are others stay translated.
// [Linux arch/x86/include/asm/segment.h]
constexpr u16 kUserCode = 0x33, kUserStack = 0x2b;

// Whether registers, and what the system has set up, let ring 3 run here.
bool runs_natively(const x86::X86State& state);

}  // namespace backplane::native
