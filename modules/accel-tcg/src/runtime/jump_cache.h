// SPDX-License-Identifier: MIT
// How host code looks into the jump cache.
#pragma once

#include "emit/assembler.h"

namespace backplane::tcg {

// Looks for the linear address in T0 in the jump cache of a TLB's code: its entry's offset in T1.
// Returns the jump that is taken if the entry is of another. T2 is lost.
u32 emit_jump_cache_probe(Assembler& a, unsigned mmu_index);
// Jumps there; T0 is lost.
void emit_jump_to_cached(Assembler& a);

}  // namespace backplane::tcg
