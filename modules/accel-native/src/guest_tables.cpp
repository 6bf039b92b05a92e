// SPDX-License-Identifier: MIT
#include "guest_tables.h"

namespace backplane::native {
namespace {

constexpr u64 kPresent = 1, kWritable = 2, kUser = 4, kAccessed = 0x20, kDirty = 0x40,
              kLarge = 0x80, kNoExecute = u64{1} << 63;
constexpr u64 kAddressMask = 0x000ffffffffff000;

u64 load(const u8* at) {
  return __atomic_load_n(reinterpret_cast<const u64*>(at), __ATOMIC_RELAXED);
}

}  // namespace

const u8* GuestTables::host(u64 physical) {
  if (memory_.generation() != generation_ || physical - range_.start >= range_.size) {
    generation_ = memory_.generation();
    const FlatRange* const found = memory_.cached_view().find(physical);
    range_ = found != nullptr ? *found : FlatRange{};
    if (found == nullptr) return nullptr;
  }
  if (!range_.is_ram() || physical + kPageSize > range_.start + range_.size) return nullptr;
  return range_.host + (physical - range_.start);
}

u64 GuestTables::ram_offset(u64 physical) {
  if (host(physical) == nullptr || range_.block != &ram_ || range_.readonly) return kNoOffset;
  return range_.block_offset + (physical - range_.start);
}

void GuestTables::enter_region(u64 cr3, u64 linear) {
  region_ = linear >> 21;
  region_cr3_ = cr3;
  table_ = nullptr;
  large_ = 0;
  size_ = kPageSize;
  all_ = ~u64{0};
  any_ = 0;
  u64 table = cr3 & kAddressMask;
  for (unsigned shift = 39; shift > 12; shift -= 9) {
    const u8* const at = host(table);
    if (at == nullptr) return;
    const u64 entry = load(at + (linear >> shift & 0x1ff) * sizeof(u64));
    if ((entry & kPresent) == 0) return;
    all_ &= entry;
    any_ |= entry;
    table = entry & kAddressMask;
    if ((entry & kLarge) == 0) continue;
    if (shift == 39) return;
    const u64 size = u64{1} << shift;
    large_ = entry;
    size_ = size;
    large_base_ = (table & ~(size - 1)) + (linear & (size - 1) & ~(2_MiB - 1));
    return;
  }
  table_ = host(table);
}

GuestPage GuestTables::look(u64 cr3, u64 linear) {
  if (linear >> 21 != region_ || cr3 != region_cr3_) enter_region(cr3, linear);
  u64 entry = large_, physical = 0;
  if (table_ != nullptr) {
    entry = load(table_ + (linear >> 12 & 0x1ff) * sizeof(u64));
    physical = entry & kAddressMask;
  } else {
    physical = large_base_ + (linear & (2_MiB - 1) & kPageMask);
  }
  GuestPage page;
  const u64 all = all_ & entry;
  if ((all & (kPresent | kUser)) != (kPresent | kUser)) return page;
  page.offset = ram_offset(physical);
  if (page.offset == kNoOffset) return page;
  page.present = true;
  page.size = size_;
  page.writable = (all & kWritable) != 0;
  page.executable = ((any_ | entry) & kNoExecute) == 0;
  page.accessed = (all & kAccessed) != 0;
  page.dirty = (entry & kDirty) != 0;
  return page;
}

}  // namespace backplane::native
