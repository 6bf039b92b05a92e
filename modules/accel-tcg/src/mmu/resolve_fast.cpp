// SPDX-License-Identifier: MIT
// Compiled without vector registers: translated code calls it with the guest's in place.
// [SDM 3A "4-Level Paging and 5-Level Paging"]
#include "mmu/soft_mmu.h"

namespace backplane::tcg {
namespace {

constexpr u64 kPresent = 1, kWritable = 2, kUser = 4, kAccessed = 0x20, kDirty = 0x40,
              kLarge = 0x80, kGlobal = 0x100, kNoExecute = u64{1} << 63;
constexpr u64 kAddressMask = 0x000ffffffffff000;

}  // namespace

u8* SoftMmu::resolve_fast(u64 linear, bool write, MmuIndex index, u32* fault) {
  code_place_ = nullptr;
  if (fills_slowly_ || memory_.generation() != view_generation_) return nullptr;
  if ((state_.cr0 & x86::kCr0PG) == 0) {
    if (linear >> 32 != 0) return nullptr;
    return fill_fast(linear, write, index, {.physical = linear & kPageMask});
  }
  constexpr u64 kPaging = x86::kCr0PG | x86::kCr0WP;
  if ((state_.cr0 & kPaging) != kPaging || (state_.efer & x86::kEferLMA) == 0 ||
      (state_.cr4 & x86::kCr4LA57) != 0 ||
      static_cast<u64>(static_cast<i64>(linear << 16) >> 16) != linear)
    return nullptr;

  u64 table = state_.cr3 & kAddressMask;
  u64 all = ~u64{0};  // bits set at every level
  u64 no_execute = 0;
  u64 entry = 0;
  const auto reserved_no_execute = [&] {
    return (no_execute & kNoExecute) != 0 && (state_.efer & x86::kEferNXE) == 0;
  };
  const auto raises = [&](u32 cause) -> u8* {
    if (fault != nullptr)
      *fault =
          kIsFault | cause | (write ? x86::kPfWrite : 0) | (index == kMmuUser ? x86::kPfUser : 0);
    return nullptr;
  };
  unsigned shift = 39;
  for (;; shift -= 9) {
    const FlatRange* r = ram_range(table);
    if (r == nullptr) return nullptr;
    entry = *reinterpret_cast<const volatile u64*>(r->host + (table - r->start) +
                                                   (linear >> shift & 0x1ff) * 8);
    if ((entry & kPresent) == 0 && !reserved_no_execute()) return raises(0);
    if ((entry & (kPresent | kAccessed)) != (kPresent | kAccessed)) return nullptr;
    if ((entry & kAddressMask) >> cpu_.physical_address_bits() != 0) return nullptr;  // reserved
    all &= entry;
    no_execute |= entry;
    if (shift == 12) break;
    if ((entry & kLarge) != 0) {
      if (shift == 39 || (shift == 30 && state_.has_gbpages == 0)) return nullptr;
      break;
    }
    table = entry & kAddressMask;
  }
  const u64 size = u64{1} << shift;
  // The PAT bit of a large page is no address bit; other low address bits are reserved.
  u64 base = entry & kAddressMask;
  if (shift != 12) base &= ~u64{0x1000};
  if ((base & (size - 1)) != 0) return nullptr;
  if (reserved_no_execute()) return nullptr;
  const bool user = (all & kUser) != 0;
  if (index == kMmuUser ? !user : user && index == kMmuKernel && (state_.cr4 & x86::kCr4SMAP) != 0)
    return raises(x86::kPfPresent);
  if (write && (all & kWritable) == 0) return raises(x86::kPfPresent);
  const bool writable = (all & kWritable) != 0 && (entry & kDirty) != 0;
  if (write && !writable) return nullptr;
  const bool no_exec = (no_execute & kNoExecute) != 0;
  return fill_fast(
      linear, write, index,
      {.physical = base + (linear & kPageMask & (size - 1)),
       .size = size,
       .writable = writable,
       .executable = !no_exec && !(index != kMmuUser && user && (state_.cr4 & x86::kCr4SMEP) != 0),
       .global = (entry & kGlobal) != 0 && (state_.cr4 & x86::kCr4PGE) != 0});
}

// The range that a page is in, if all of it is memory.
const FlatRange* SoftMmu::ram_range(u64 physical_page) {
  const FlatRange* r = last_range_;
  if (r == nullptr || physical_page - r->start >= r->size) {
    r = nullptr;
    for (const FlatRange& candidate : view_->ranges())
      if (physical_page - candidate.start < candidate.size) r = &candidate;
    if (r == nullptr) return nullptr;
    last_range_ = r;
  }
  return r->is_ram() && physical_page + kPageSize <= r->start + r->size ? r : nullptr;
}

// An access to the page is allowed.
u8* SoftMmu::fill_fast(u64 linear, bool write, MmuIndex index, const FoundPage& found) {
  const u64 page = linear & kPageMask;
  const FlatRange* range = ram_range(found.physical);
  if (range == nullptr || (write && range->readonly)) return nullptr;
  const u64 in_range = found.physical - range->start;
  const std::atomic<u8>& page_flags = range->block->page_flags(range->block_offset + in_range);
  const bool has_code = (page_flags.load(std::memory_order_relaxed) & RamBlock::kHasCode) != 0;
  const bool logged = logs_first_write(*range->block, page_flags);
  if (write && (has_code || logged)) {
    if (!logged) code_place_ = range->host + in_range + (linear - page);
    return nullptr;
  }
  const bool seen = has_code || logged;

  const unsigned slot = tlb_index(linear);
  const u64 unusable = unusable_tag(slot);
  TlbEntry& e = jit_.tlb[index][slot];
  u8* host_page = range->host + in_range;
  e.host = reinterpret_cast<u64>(host_page);
  e.read_tag = page;
  e.write_tag = found.writable && !range->readonly && !seen ? page : unusable;
  e.exec_tag = found.executable ? page : unusable;
  check_for_code(e, slot, page_flags);
  note_fill(index, slot);
  ++counters_.fills;
  if (index == kMmuKernel && !found.global) {
    if (non_global_count_ < kNonGlobalSlots)
      non_global_[non_global_count_] = static_cast<u16>(slot);
    ++non_global_count_;
    // Code may be fetched through this entry without another look at it.
    if (found.executable) kernel_executed_non_global_ = true;
  }
  if (found.size > kPageSize) note_large(linear, found.size);
  return write && e.write_tag != page ? nullptr : host_page + (linear - page);
}

}  // namespace backplane::tcg
