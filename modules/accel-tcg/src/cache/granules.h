// SPDX-License-Identifier: MIT
// Which granules of a page some of its bytes are in.
#pragma once

#include "cache/code_cache.h"

namespace backplane::tcg {

inline const u8* page_of(const u8* p) {
  return reinterpret_cast<const u8*>(reinterpret_cast<u64>(p) & kPageMask);
}

inline u64 granule_mask(u64 first, u64 last) {
  const unsigned low = static_cast<unsigned>(first / kGranule);
  const unsigned high = static_cast<unsigned>(last / kGranule);
  const u64 upto = high == 63 ? ~u64{0} : (u64{1} << (high + 1)) - 1;
  return upto & (~u64{0} << low);
}

}  // namespace backplane::tcg
