// SPDX-License-Identifier: MIT
// Between X86State and the kernel's structures. [Linux Documentation/virt/kvm/api.rst "vcpu
// ioctls"]
#pragma once

#include <linux/kvm.h>

#include "backplane/x86/cpu.h"
#include "kernel/descriptor.h"
#include "kernel/list.h"

namespace backplane::kvm {

// General and segment registers and events: what the shared page carries at every exit.
void from_kernel(const kvm_sync_regs& from, x86::X86State& to);
void to_kernel(const x86::X86State& from, kvm_sync_regs& to);

// x87, SSE and AVX registers, into an image that has more than these.
void fpu_to_kernel(const x86::X86State& from, XsaveArea& to);

// What the guest's time-stamp counter is ahead of the host's.
i64 tsc_offset(const Descriptor& vcpu);

}  // namespace backplane::kvm
