// SPDX-License-Identifier: MIT
// Whether bytes are code. Compiled without vector registers: translated code calls it with the
// guest's in place.
#include "cache/code_cache.h"
#include "cache/granules.h"

namespace backplane::tcg {

bool CodeCache::has_code_locked(const u8* host, u64 size) {
  const std::lock_guard guard(lock_);
  const u8* page = page_of(host);
  return has_code(page, static_cast<u64>(host - page), size);
}

bool CodeCache::has_code(const u8* host_page, u64 offset, u64 size) const {
  const auto found = pages_.find(host_page);
  return found != pages_.end() &&
         (found->second.granules & granule_mask(offset, offset + size - 1)) != 0;
}

}  // namespace backplane::tcg
