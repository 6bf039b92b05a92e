// SPDX-License-Identifier: MIT
// A set of page numbers, or of larger regions', that forgets all of them at once.
#pragma once

#include "backplane/types.h"
#include "runtime/zeroed_array.h"

namespace backplane::tcg {

// Exact below kMost numbers; from there on it has every number, until it is cleared. `kSlots` is a
// power of two.
template <unsigned kSlots>
class NumberSet {
 public:
  static constexpr unsigned kMost = kSlots / 4 * 3;

  void add(u64 number) {
    const u64 entry = entry_of(number);
    if (entry == last_) return;
    last_ = entry;
    if (count_ == kMost) return;
    u64& slot = find(entry);
    if (slot == entry) return;
    slot = entry;
    ++count_;
  }
  bool has(u64 number) {
    if (count_ == kMost) return true;
    const u64 entry = entry_of(number);
    return find(entry) == entry;
  }
  void clear() {
    count_ = 0;
    last_ = 0;
    if (++epoch_ < u64{1} << (64 - kNumberBits)) return;
    epoch_ = 1;
    for (u64& slot : slots_) slot = 0;
  }

 private:
  // What canonical addresses differ in, and more. Above it in a slot: when it was filled.
  static constexpr unsigned kNumberBits = 48;

  u64 entry_of(u64 number) const {
    return (number & ((u64{1} << kNumberBits) - 1)) | epoch_ << kNumberBits;
  }
  // The slot of the number, or the free one where it would be.
  u64& find(u64 entry) {
    u64 at = entry * 0x9e3779b97f4a7c15 >> 32;
    for (;; ++at) {
      u64& slot = slots_[at % kSlots];
      if (slot == entry || slot >> kNumberBits != epoch_) return slot;
    }
  }

  u64 epoch_ = 1;
  u64 last_ = 0;
  unsigned count_ = 0;
  ZeroedArray<u64> slots_{kSlots};
};

}  // namespace backplane::tcg
