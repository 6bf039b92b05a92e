// SPDX-License-Identifier: MIT
#include "vcpu/msr_exit.h"

namespace backplane::kvm {
namespace {

// The kernel has checked the privilege; what the state says of it may be of an earlier exit.
void assume_ring_0(x86::X86State& state) {
  constexpr u16 kDpl = 0x60;
  state.seg[x86::SS].attributes &= static_cast<u16>(~kDpl);
  state.rflags &= ~u64{x86::kVM};
}

}  // namespace

void answer_msr_exit(x86::X86Cpu& cpu, x86::WalkingMemory& memory, kvm_run& run) {
  assume_ring_0(cpu.state());
  const x86::Context context{cpu, memory};
  run.msr.error = 0;
  try {
    if (run.exit_reason == KVM_EXIT_X86_WRMSR)
      x86::write_msr(context, run.msr.index, run.msr.data);
    else
      run.msr.data = x86::read_msr(context, run.msr.index);
  } catch (const x86::GuestException&) {
    run.msr.error = 1;
  }
}

}  // namespace backplane::kvm
