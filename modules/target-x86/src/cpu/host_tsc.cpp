// SPDX-License-Identifier: MIT
#include "host_tsc.h"

#include <cpuid.h>
#include <x86intrin.h>

#include <ctime>

namespace backplane::x86 {

namespace {

struct Sample {
  u64 tsc = 0;
  i64 nanoseconds = 0;
};

i64 monotonic_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return i64{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// The tightest of several readings of both clocks.
Sample take_sample() {
  Sample best;
  u64 best_width = ~u64{0};
  for (int i = 0; i < 5; ++i) {
    const u64 before = __rdtsc();
    const i64 time = monotonic_nanoseconds();
    const u64 after = __rdtsc();
    if (after - before >= best_width) continue;
    best_width = after - before;
    best = {before + (after - before) / 2, time};
  }
  return best;
}

const Sample kLoaded = take_sample();

// Leaf 15h, or the hypervisor's timing leaf. 0 if neither says it. [SDM 2A "CPUID"]
u64 frequency_from_cpuid() {
  u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(0x15, &eax, &ebx, &ecx, &edx) != 0 && eax != 0 && ebx != 0 && ecx != 0)
    return u64{ecx} * ebx / eax;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) == 0 || (ecx >> 31) == 0) return 0;
  __cpuid(0x40000000, eax, ebx, ecx, edx);
  if (eax < 0x40000010 || eax > 0x4000ffff) return 0;
  __cpuid(0x40000010, eax, ebx, ecx, edx);
  return u64{eax} * 1000;
}

u64 measure_frequency() {
  constexpr i64 kShortest = 2'000'000;  // 2 ms: an error of some 10 ppm at worst
  Sample now = take_sample();
  while (now.nanoseconds - kLoaded.nanoseconds < kShortest) now = take_sample();
  const double ticks = static_cast<double>(now.tsc - kLoaded.tsc);
  const double seconds = static_cast<double>(now.nanoseconds - kLoaded.nanoseconds) / 1e9;
  return static_cast<u64>(ticks / seconds);
}

}  // namespace

u64 read_host_tsc() { return __rdtsc(); }

u64 host_tsc_frequency() {
  static const u64 frequency = [] {
    const u64 told = frequency_from_cpuid();
    const u64 hz = told != 0 ? told : measure_frequency();
    return (hz + 500) / 1000 * 1000;
  }();
  return frequency;
}

}  // namespace backplane::x86
