// SPDX-License-Identifier: MIT
// The most that a CPU can offer on this host.
#pragma once

#include "backplane/x86/cpu.h"
#include "backplane/x86/version.h"

namespace backplane::x86 {

// What the host processor (and its operating system, for AVX) provides of the instructions that run
// on it as themselves, and everything that the emulator does without its help. Any thread.
// [SDM 2A "CPUID-CPU Identification"]
X86Cpu::Features host_cpu_features();

}  // namespace backplane::x86
