// SPDX-License-Identifier: MIT
// CPUID leaf 15h. [SDM 2A "CPUID-CPU Identification"]
#pragma once

#include "backplane/types.h"
#include "backplane/x86/cpu.h"

namespace backplane::x86 {

// The rate of the time-stamp counter in Hz as that of the crystal, which the local APIC's timer
// counts, times EBX / EAX. A kernel multiplies the crystal in kHz by EBX in 32 bits. Empty where
// the crystal is not known (0) or slower than 1 MHz, and where no such fraction comes within two
// millionths of the rate: the kernel measures both then.
CpuidResult tsc_leaf(u64 frequency, u64 crystal);

}  // namespace backplane::x86
