// SPDX-License-Identifier: MIT
#include "runtime/vector_mask.h"

#include <cpuid.h>

#include "backplane/error.h"

namespace backplane::tcg {

u32 host_vector_mask() {
  u32 a = 0, b = 0, c = 0, d = 0;
  constexpr u32 kOsxsave = 1u << 27;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kOsxsave) == 0)
    throw Error("this host's processor or kernel has no XSAVE, which tcg needs");
  u32 low = 0, high = 0;
  asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low & 7;
}

}  // namespace backplane::tcg
