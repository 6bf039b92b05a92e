// SPDX-License-Identifier: MIT
// What a vCPU was told to forget, for whoever keeps more of the page tables than its TLB. Filled
// also by what translated code calls with the guest's vector registers in place.
#pragma once

#include <algorithm>
#include <span>

#include "backplane/memory.h"

namespace backplane::tcg {

class Invalidations {
 public:
  // A page of every address space.
  void add_page(u64 linear) {
    if (page_count_ == kMostPages)
      everything_ = true;
    else
      pages_[page_count_++] = linear & kPageMask;
  }
  // All of the address space that CR3 has selected.
  void add_space(u64 cr3) {
    cr3 &= kTableMask;
    for (unsigned n = 0; n < space_count_; ++n)
      if (spaces_[n] == cr3) return;
    if (space_count_ == kMostSpaces)
      everything_ = true;
    else
      spaces_[space_count_++] = cr3;
  }
  void add_everything() { everything_ = true; }

  bool empty() const { return page_count_ == 0 && space_count_ == 0 && !everything_; }
  bool everything() const { return everything_; }
  std::span<const u64> pages() const { return {pages_, page_count_}; }
  bool has_space(u64 cr3) const {
    return std::find(spaces_, spaces_ + space_count_, cr3) != spaces_ + space_count_;
  }
  void clear() {
    page_count_ = space_count_ = 0;
    everything_ = false;
  }

  // Of CR3: where its table is, by which address spaces are told apart here.
  static constexpr u64 kTableMask = 0x000ffffffffff000;

 private:
  static constexpr unsigned kMostPages = 128, kMostSpaces = 16;
  unsigned page_count_ = 0, space_count_ = 0;
  bool everything_ = false;
  u64 pages_[kMostPages];
  u64 spaces_[kMostSpaces];
};

}  // namespace backplane::tcg
