// SPDX-License-Identifier: MIT
// Guest-physical memory as the page walk reaches it: RAM by host pointers, nothing else.
#pragma once

#include "backplane/memory.h"

namespace backplane::x86 {

// Remembers the range used last: the tables of one walk mostly lie in one. For one walk only.
class TableMemory {
 public:
  explicit TableMemory(const AddressSpace& memory) : view_(memory.cached_view()) {}

  // A naturally aligned entry of T; null if there is no memory. `writable` is false for ROM.
  template <class T>
  T* entry(u64 physical, bool& writable) {
    if (range_ == nullptr || physical - range_->start >= range_->size) {
      range_ = view_.find(physical);
      if (range_ == nullptr) return nullptr;
    }
    if (!range_->is_ram() || range_->size - (physical - range_->start) < sizeof(T)) return nullptr;
    writable = !range_->readonly;
    return reinterpret_cast<T*>(range_->host + (physical - range_->start));
  }

  // To be called before an entry just found is changed.
  void about_to_write(u64 physical, u64 size) {
    range_->block->about_to_write(range_->block_offset + (physical - range_->start), size);
  }

 private:
  const FlatView& view_;
  const FlatRange* range_ = nullptr;
};

}  // namespace backplane::x86
