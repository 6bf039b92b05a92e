// SPDX-License-Identifier: MIT
// Compiled without vector registers: translated code calls it with the guest's in place.
#include "vcpu.h"

namespace backplane::tcg {

const u8* TcgVcpu::fast_memory(TcgVcpu* vcpu, u64 linear, u64 descriptor) {
  const u64 size = descriptor & AccessDescriptor::kSizeMask;
  if ((linear & ~kPageMask) + size > kPageSize) return nullptr;
  return vcpu->mmu_.resolve_fast(linear, (descriptor & AccessDescriptor::kWrite) != 0,
                                 static_cast<MmuIndex>(descriptor >> AccessDescriptor::kMmuShift));
}

}  // namespace backplane::tcg
