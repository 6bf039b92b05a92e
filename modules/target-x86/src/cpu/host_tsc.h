// SPDX-License-Identifier: MIT
// The host's time-stamp counter.
#pragma once

#include "backplane/types.h"

namespace backplane::x86 {

u64 read_host_tsc();

// What a guest's counter counts under instruction counting, in Hz.
constexpr u64 kCountingTscFrequency = 1'000'000'000;

// Its rate in Hz, to the nearest kHz: from CPUID where the host says it, else measured between
// the loading of this module and the first call. Any thread.
u64 host_tsc_frequency();

}  // namespace backplane::x86
