// SPDX-License-Identifier: MIT
// From a linear address to a host address. [docs/translator.md "Memory"]
#pragma once

#include "translate/exits.h"

namespace backplane::tcg {

struct MemoryCheck {
  u8 pointer = kT0;  // T0 or T2: has the linear address, gets the host address
  unsigned size = 0;
  bool write = false;
  // What crosses a page goes on where each access is checked by itself.
  bool grouped = false;
  // The host's flags are the guest's, and stay; else they are lost.
  bool keep_flags = false;
  // AccessDescriptor::first() of an instruction that reports no exception before it accesses
  // memory.
  u32 first = 0;
};

// T1 is lost. What the TLB does not have, or is in two pages, calls C++ off the path that runs
// often.
void emit_check(Translation& t, Flags& flags, Exits& exits, const MemoryCheck& check);

// The linear address in `pointer` becomes the offset in its page, if the TLB's entry, whose offset
// comes into T1, has it as its tag at `tag`. Returns the jump that is taken if not, or if the
// operand crosses the page's end. The flags are lost.
u32 emit_tlb_lookup(Translation& t, u8 pointer, unsigned size, std::size_t tag);
// The field of the entry whose offset is in T1, from the state pointer and that on.
i32 tlb_place(const Translation& t, std::size_t field);

}  // namespace backplane::tcg
