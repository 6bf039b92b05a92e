// SPDX-License-Identifier: MIT
// What the software TLB tells of its work: -d mmu. On the CPU's thread.
#pragma once

#include "mmu/soft_mmu.h"

namespace backplane::tcg {

// The same for the life of a machine: walks are seen that otherwise nobody would wait for.
bool walks_are_traced();

// What an access that the TLB had nothing for found.
void trace_fill(const X86Cpu& cpu, u64 linear, Access access, MmuIndex index,
                const SoftMmu::Target& target);
// Entries were forgotten: all but global ones, all, or those of a page.
void trace_flush(const X86Cpu& cpu, bool globals);
void trace_page_flush(const X86Cpu& cpu, u64 linear);

}  // namespace backplane::tcg
