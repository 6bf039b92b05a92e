// SPDX-License-Identifier: MIT
// What the translator tells of its work: -d in_asm, out_asm, exec and cpu. (mmu is
// mmu/mmu_trace.h.)
#pragma once

#include "backplane/x86/cpu.h"
#include "cache/block.h"
#include "emit/assembler.h"
#include "translate/guest_code.h"

namespace backplane::tcg {

// Whether each block that is entered has to be seen, so that none may lead to another by itself.
// The same for the life of a machine.
bool entries_are_traced();

// A block was made of `code`, which begins at this instruction pointer. CodeCache::lock() held.
void trace_translation(const GuestCode& code, const GuestBytes& bytes, const Block& block,
                       u64 pointer, const Assembler& assembler);

// A block is entered; what the CPU's state says is complete, flags too. Its thread.
void trace_entry(const x86::X86Cpu& cpu, Mode mode);

}  // namespace backplane::tcg
