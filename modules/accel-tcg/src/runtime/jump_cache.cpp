// SPDX-License-Identifier: MIT
#include "runtime/jump_cache.h"

#include "backplane/memory.h"
#include "runtime/jit_state.h"

namespace backplane::tcg {
namespace {

HostMemory entry_in_t1(Assembler& a, std::size_t field) {
  return a.qword[a.rsp + a.t1 + (BACKPLANE_JIT_OFFSET(jumps) + static_cast<int>(field))];
}

}  // namespace

u32 emit_jump_cache_probe(Assembler& a, unsigned mmu_index) {
  a.imul(a.t1d, a.t0d, kJumpCacheMultiplier);
  a.shr(a.t1d, 32 - kJumpCacheBits);
  a.shl(a.t1d, kJumpEntryShift);
  a.load_field(kT2, BACKPLANE_JIT_OFFSET(jump_generation) + static_cast<i32>(8 * mmu_index));
  a.xor_(a.t2, a.t0);
  a.cmp(a.t2, entry_in_t1(a, offsetof(JumpEntry, tag)));
  return a.jump_if_forward(kNotEqual);
}

void emit_jump_to_cached(Assembler& a) {
  a.and_(a.t0, -static_cast<int>(kPageSize));
  a.store_field(BACKPLANE_JIT_OFFSET(page_base), kT0);
  a.jmp(entry_in_t1(a, offsetof(JumpEntry, code)));
}

}  // namespace backplane::tcg
