// SPDX-License-Identifier: MIT
// The guest's page tables as they stand, for ring 3 and without changing them.
#pragma once

#include "backplane/memory.h"
#include "backplane/types.h"

namespace backplane::native {

// What a page's entry gives ring 3 at this moment.
struct GuestPage {
  bool present = false;  // and a page of the guest's RAM that users may read
  bool writable = false, executable = false;
  bool accessed = false, dirty = false;
  u64 offset = 0;        // in the RAM block
  u64 size = kPageSize;  // of the entry's
};

// A reader of one block of RAM's pages; any thread, one at a time. [SDM 3A "4-Level Paging"]
class GuestTables {
 public:
  GuestTables(AddressSpace& memory, const RamBlock& ram) : memory_(memory), ram_(ram) {}

  // 4-level paging with NX, from that CR3 on; `linear` in the lower half.
  GuestPage look(u64 cr3, u64 linear);
  // Walks anew from the top: tables may have changed since.
  void begin() { region_ = kNoRegion; }

 private:
  const u8* host(u64 physical);
  u64 ram_offset(u64 physical);
  void enter_region(u64 cr3, u64 linear);

  AddressSpace& memory_;
  const RamBlock& ram_;
  // The walk down to the page table of 2 MiB, from which neighbours need one look each.
  static constexpr u64 kNoRegion = ~u64{0};
  static constexpr u64 kNoOffset = ~u64{0};
  u64 region_ = kNoRegion, region_cr3_ = 0;
  const u8* table_ = nullptr;  // null: nothing there, or a large page
  u64 large_ = 0;              // its entry, and where the 2 MiB are
  u64 large_base_ = 0;
  u64 size_ = kPageSize;
  u64 all_ = 0, any_ = 0;  // bits of all entries above
  FlatRange range_{};
  u64 generation_ = ~u64{0};
};

}  // namespace backplane::native
