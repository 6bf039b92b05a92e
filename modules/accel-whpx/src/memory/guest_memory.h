// SPDX-License-Identifier: MIT
// Tells the platform which guest memory is RAM or ROM. [WHP "WHvMapGpaRange"]
#pragma once

#include <set>

#include "backplane/memory.h"
#include "partition/partition.h"

namespace backplane::whpx {

// Everything under the machine lock. What is not mapped is a memory exit, also for the moment in
// which a range is replaced: the address space then answers it.
class GuestMemory final : public MemoryListener {
 public:
  explicit GuestMemory(const Partition& partition) : partition_(partition) {}

  void region_removed(const FlatRange& range) override;
  void region_added(const FlatRange& range) override;

  std::size_t count() const { return mapped_.size(); }

 private:
  const Partition& partition_;
  std::set<u64> mapped_;  // guest addresses
};

}  // namespace backplane::whpx
