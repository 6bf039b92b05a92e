// SPDX-License-Identifier: MIT
// What is forgotten when translations may have changed: TLB entries, and jumps to other pages.
// Compiled without vector registers: translated code calls it with the guest's in place.
// [SDM 3A "Caching Translation Information"]
#include "cache/code_cache.h"
#include "mmu/soft_mmu.h"

namespace backplane::tcg {

void SoftMmu::clear(unsigned index) {
  TlbEntry* const table = jit_.tlb[index];
  if (filled_[index] <= kTrackedSlots) {
    for (unsigned i = 0; i < filled_[index]; ++i)
      set_unusable(table[slots_[index][i]], slots_[index][i]);
  } else {
    for (unsigned slot = 0; slot < kTlbEntries; ++slot) set_unusable(table[slot], slot);
  }
  filled_[index] = 0;
}

void SoftMmu::forget_code() {
  for (JumpEntry& jump : jit_.jumps) jump.tag = ~u64{0};
}

void SoftMmu::forget_jumps(MmuIndex index) {
  if (index == kMmuUser) forget_other_spaces();
  renew_jumps(index);
}

void SoftMmu::switch_jumps(const JumpKey& from, const JumpKey& to) {
  constexpr JumpKey kAny{};
  if (from != kAny)
    other_mode(from) = {from, jit_.jump_generation[kMmuKernel], jit_.site_generation[kMmuKernel]};
  OtherMode& mode = other_mode(to);
  if (to == kAny || mode.key != to) return renew_jumps(kMmuKernel);
  jit_.jump_generation[kMmuKernel] = mode.jump_generation;
  jit_.site_generation[kMmuKernel] = mode.site_generation;
  mode.key = kAny;
}

void SoftMmu::renew_jumps(MmuIndex index) {
  if (++next_generation_ >= 0x10000) {
    forget_code();
    forget_other_spaces();
    forget_other_modes();
    for (unsigned n = 0; n < kMmuCount; ++n) {
      jit_.jump_generation[n] = u64{n + 1} << 48;
      jit_.site_generation[n] = code_.new_site_generation();
    }
    next_generation_ = kMmuCount;
    return;
  }
  jit_.jump_generation[index] = next_generation_ << 48;
  jit_.site_generation[index] = code_.new_site_generation();
}

void SoftMmu::new_kernel_generation() {
  renew_jumps(kMmuKernel);
  renew_jumps(kMmuKernelAc);
  forget_other_modes();
  kernel_executed_.clear();
}

void SoftMmu::new_user_generation() {
  renew_jumps(kMmuUser);
  spaces_[space_].executed.clear();
}

void SoftMmu::forget_space(Space& space) {
  space.pcid = kNoSpace;
  space.last_left = 0;
}

void SoftMmu::forget_other_spaces() {
  for (Space& space : spaces_)
    if (&space != &spaces_[space_]) forget_space(space);
}

// Entries of users, and of the kernel's pages that are not global.
void SoftMmu::flush_entries() {
  ++counters_.flushes;
  forget_devices();
  for (unsigned index : {unsigned{kMmuUser}, unsigned{kMmuKernelAc}})
    if (filled_[index] != 0) clear(index);
  if (non_global_count_ > kNonGlobalSlots) {
    clear(kMmuKernel);
  } else {
    for (unsigned i = 0; i < non_global_count_; ++i)
      set_unusable(jit_.tlb[kMmuKernel][non_global_[i]], non_global_[i]);
  }
  non_global_count_ = 0;
  if (!kernel_executed_non_global_) return;
  new_kernel_generation();
  kernel_executed_non_global_ = false;
}

void SoftMmu::flush(bool globals) {
  if (invalidations_ != nullptr) {
    // MOV CR3 without PCIDs: what other spaces have cached goes too, but whoever comes back to one
    // of them does so by another MOV CR3.
    if (globals || (state_.cr4 & x86::kCr4PCIDE) != 0)
      invalidations_->add_everything();
    else
      invalidations_->add_space(state_.cr3);
  }
  flush_entries();
  forget_other_spaces();
  spaces_[space_].pcid = (state_.cr4 & x86::kCr4PCIDE) != 0 ? state_.cr3 & kPcidMask : 0;
  new_user_generation();
  if (!globals) return;
  ++counters_.global_flushes;
  clear(kMmuKernel);
  new_kernel_generation();
  large_.clear();
}

void SoftMmu::switch_space(u64 pcid, bool keep) {
  if (!keep && invalidations_ != nullptr) invalidations_->add_space(state_.cr3);
  flush_entries();
  Space& left = spaces_[space_];
  left.jump_generation = jit_.jump_generation[kMmuUser];
  left.site_generation = jit_.site_generation[kMmuUser];
  left.last_left = ++switches_;
  unsigned oldest = 0;
  for (unsigned n = 0; n < kSpaces; ++n) {
    if (spaces_[n].last_left < spaces_[oldest].last_left) oldest = n;
    if (spaces_[n].pcid != pcid) continue;
    space_ = n;
    if (!keep) return new_user_generation();
    jit_.jump_generation[kMmuUser] = spaces_[n].jump_generation;
    jit_.site_generation[kMmuUser] = spaces_[n].site_generation;
    return;
  }
  space_ = oldest;
  spaces_[space_].pcid = pcid;
  new_user_generation();
}

void SoftMmu::flush_space(u64 pcid) {
  if (invalidations_ != nullptr) invalidations_->add_everything();
  for (Space& space : spaces_) {
    if (space.pcid != pcid) continue;
    if (&space != &spaces_[space_]) return forget_space(space);
    flush_entries();
    return new_user_generation();
  }
}

void SoftMmu::flush_page_of(u64 pcid, u64 linear) {
  if (invalidations_ != nullptr) invalidations_->add_page(linear);
  for (Space& space : spaces_) {
    if (space.pcid != pcid) continue;
    if (&space == &spaces_[space_]) return flush_page(linear);
    if (in_large_page(linear) || space.executed.has(linear >> 12)) forget_space(space);
    return;
  }
}

void SoftMmu::flush_page(u64 linear) {
  ++counters_.page_flushes;
  if (invalidations_ != nullptr) invalidations_->add_page(linear);
  if (in_large_page(linear)) {
    flush(true);
    return;
  }
  forget_devices();
  const unsigned slot = tlb_index(linear);
  for (auto& table : jit_.tlb) set_unusable(table[slot], slot);
  if (kernel_executed_.has(linear >> 12)) new_kernel_generation();
  if (spaces_[space_].executed.has(linear >> 12)) new_user_generation();
  // It may have been a global page there.
  for (Space& space : spaces_)
    if (&space != &spaces_[space_] && space.executed.has(linear >> 12)) forget_space(space);
}

}  // namespace backplane::tcg
