// SPDX-License-Identifier: MIT
// Apart from all else: CPUID keeps its page from being run by the processor itself.
#include <cpuid.h>
#include <sched.h>

#include "suite.h"

void processor_answers_alike(void) {
  unsigned first[4], again[4];
  uint64_t before = 0;
  CHECK(__get_cpuid_count(7, 0, &first[0], &first[1], &first[2], &first[3]));
  for (unsigned i = 0; i < 100; i++) {
    __get_cpuid_count(7, 0, &again[0], &again[1], &again[2], &again[3]);
    for (unsigned n = 0; n < 4; n++) CHECK(again[n] == first[n]);
    const uint64_t now = __builtin_ia32_rdtsc();
    CHECK(now > before);
    before = now;
    compute(i, 1000);
    if (i % 8 == 0) sched_yield();
  }
}
