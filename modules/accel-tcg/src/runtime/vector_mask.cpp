// SPDX-License-Identifier: MIT
#include "runtime/vector_mask.h"

#include <cpuid.h>

#include "backplane/error.h"

namespace backplane::tcg {

namespace {

u32 read_vector_mask() {
  u32 a = 0, b = 0, c = 0, d = 0;
  constexpr u32 kOsxsave = 1u << 27;
  __cpuid(1, a, b, c, d);
  if ((c & kOsxsave) == 0)
    throw Error("this host's processor or kernel has no XSAVE, which tcg needs");
  u32 low = 0, high = 0;
  asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return low & 7;
}

}  // namespace

u32 host_vector_mask() {
  static const u32 mask = read_vector_mask();
  return mask;
}

}  // namespace backplane::tcg
