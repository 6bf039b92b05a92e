// SPDX-License-Identifier: MIT
#include "memory/guest_memory.h"

#include "partition/failure.h"

namespace backplane::whpx {
namespace {

bool is_whole_pages(const FlatRange& range) {
  return ((range.start | range.size | reinterpret_cast<u64>(range.host)) & ~kPageMask) == 0;
}

}  // namespace

void GuestMemory::region_removed(const FlatRange& range) {
  if (mapped_.erase(range.start) == 0) return;
  check("unmap guest memory",
        partition_.dispatch().WHvUnmapGpaRange(partition_.handle(), range.start, range.size));
}

void GuestMemory::region_added(const FlatRange& range) {
  if (!range.is_ram() || !is_whole_pages(range)) return;
  u32 flags = WHvMapGpaRangeFlagRead | WHvMapGpaRangeFlagExecute;
  if (!range.readonly) flags |= WHvMapGpaRangeFlagWrite;
  check("map guest memory", partition_.dispatch().WHvMapGpaRange(
                                partition_.handle(), range.host, range.start, range.size,
                                static_cast<WHV_MAP_GPA_RANGE_FLAGS>(flags)));
  mapped_.insert(range.start);
}

}  // namespace backplane::whpx
