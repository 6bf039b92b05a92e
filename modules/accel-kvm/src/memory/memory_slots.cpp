// SPDX-License-Identifier: MIT
#include "memory/memory_slots.h"

namespace backplane::kvm {
namespace {

// A slot is whole pages of plain memory. ROM needs the kernel's help: else it is dispatched.
bool fits(const FlatRange& range, bool has_readonly) {
  return range.is_ram() && (!range.readonly || has_readonly) &&
         ((range.start | range.size | reinterpret_cast<u64>(range.host)) & ~kPageMask) == 0;
}

}  // namespace

MemorySlots::MemorySlots(const Descriptor& vm, const System& system)
    : vm_(vm),
      limit_(static_cast<u32>(std::max(32, system.capability(KVM_CAP_NR_MEMSLOTS)))),
      has_readonly_(system.capability(KVM_CAP_READONLY_MEM) > 0) {}

void MemorySlots::set(u32 slot, const FlatRange& range, u64 size, bool log) const {
  kvm_userspace_memory_region region{};
  region.slot = slot;
  region.flags = (range.readonly ? KVM_MEM_READONLY : 0) | (log ? KVM_MEM_LOG_DIRTY_PAGES : 0);
  region.guest_phys_addr = range.start;
  region.memory_size = size;
  region.userspace_addr = reinterpret_cast<u64>(range.host);
  vm_.call("cannot set a memory slot", KVM_SET_USER_MEMORY_REGION, &region);
}

void MemorySlots::region_removed(const FlatRange& range) {
  const auto found = slots_.find(range.start);
  if (found == slots_.end()) return;
  collect_dirty(range);
  set(found->second, range, 0, false);
  free_.push_back(found->second);
  slots_.erase(found);
}

void MemorySlots::region_added(const FlatRange& range) {
  if (!fits(range, has_readonly_)) return;
  u32 slot = static_cast<u32>(slots_.size() + free_.size());
  if (!free_.empty()) {
    slot = free_.back();
    free_.pop_back();
  } else if (slot >= limit_) {
    throw Error::of("the machine has more than {} ranges of memory, which is all that KVM takes",
                    limit_);
  }
  set(slot, range, range.size, range.block->logs_writes());
  slots_[range.start] = slot;
}

void MemorySlots::set_log(const FlatRange& range, bool on) const {
  const auto found = slots_.find(range.start);
  if (found != slots_.end()) set(found->second, range, range.size, on);
}

void MemorySlots::collect_dirty(const FlatRange& range) {
  const auto found = slots_.find(range.start);
  if (found == slots_.end() || !range.block->logs_writes()) return;
  constexpr u64 kPagesPerWord = 64;
  const u64 pages = range.size / kPageSize;
  std::vector<u64> bitmap((pages + kPagesPerWord - 1) / kPagesPerWord);
  kvm_dirty_log log{};
  log.slot = found->second;
  log.dirty_bitmap = bitmap.data();
  vm_.call("cannot read which pages the guest wrote", KVM_GET_DIRTY_LOG, &log);
  for (u64 page = 0; page < pages; ++page)
    if ((bitmap[page / kPagesPerWord] >> page % kPagesPerWord & 1) != 0)
      range.block->mark_written(range.block_offset + page * kPageSize, kPageSize);
}

}  // namespace backplane::kvm
