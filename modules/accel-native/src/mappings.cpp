// SPDX-License-Identifier: MIT
#include "mappings.h"

#include <sys/mman.h>

namespace backplane::native {
namespace {

u32 protection(u8 rights) {
  return ((rights & kRead) != 0 ? PROT_READ : 0u) | ((rights & kWrite) != 0 ? PROT_WRITE : 0u) |
         ((rights & kExecute) != 0 ? PROT_EXEC : 0u);
}

StubOrder order_for(u64 linear, const Mapping& before, const Mapping& after) {
  StubOrder order{.address = linear,
                  .length = kPageSize,
                  .offset = after.offset,
                  .protection = protection(after.rights),
                  .kind = STUB_ORDER_MAP};
  if (after.rights == kNone)
    order.kind = STUB_ORDER_UNMAP;
  else if (before.rights != kNone && before.offset == after.offset)
    order.kind = STUB_ORDER_PROTECT;
  return order;
}

// Whether the second goes on where the first ends.
bool continues(const StubOrder& first, const StubOrder& second) {
  return first.kind == second.kind && first.protection == second.protection &&
         first.address + first.length == second.address &&
         (first.kind != STUB_ORDER_MAP || first.offset + first.length == second.offset);
}

}  // namespace

Mapping Mappings::at(u64 linear) const {
  const auto found = regions_.find(linear / kRegionSize);
  if (found == regions_.end()) return {};
  return unpack(found->second.entries[linear / kPageSize % kPerRegion]);
}

void Mappings::set(u64 linear, const Mapping& mapping) {
  linear &= kPageMask;
  const Mapping after = mapping.rights == kNone ? Mapping{} : mapping;
  u64& entry = regions_[linear / kRegionSize].entries[linear / kPageSize % kPerRegion];
  const Mapping before = unpack(entry);
  if (before == after) return;
  if (before.rights == kNone) ++pages_;
  if (after.rights == kNone) --pages_;
  entry = after.offset | after.rights;
  const StubOrder order = order_for(linear, before, after);
  if (!orders_.empty() && continues(orders_.back(), order))
    orders_.back().length += kPageSize;
  else
    orders_.push_back(order);
}

}  // namespace backplane::native
