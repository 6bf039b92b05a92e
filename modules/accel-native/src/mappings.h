// SPDX-License-Identifier: MIT
// Which guest pages a stub has mapped, and the orders that make it so.
#pragma once

#include <array>
#include <unordered_map>
#include <vector>

#include "../stub/setup.h"
#include "backplane/memory.h"
#include "backplane/types.h"

namespace backplane::native {

// Rights of a mapped page. None is both writable and executable.
enum Rights : u8 { kNone = 0, kRead = 1, kWrite = 2, kExecute = 4 };

struct Mapping {
  u8 rights = kNone;  // kNone: not mapped
  u64 offset = 0;     // in the RAM block
  bool operator==(const Mapping&) const = default;
};

class Mappings {
 public:
  Mapping at(u64 linear) const;
  // From now on; orders() gets what the stub has to do for it.
  void set(u64 linear, const Mapping& mapping);
  u64 pages() const { return pages_; }

  // Calls visit(linear, mapping) for each page that is mapped, by rising addresses within 2 MiB.
  // It may set that page.
  template <class Visit>
  void for_each(Visit visit) {
    for (auto& [number, region] : regions_)
      for (u64 n = 0; n < kPerRegion; ++n)
        if (region.entries[n] != 0)
          visit(number * kRegionSize + n * kPageSize, unpack(region.entries[n]));
  }

  // What has to be done, in that order.
  std::vector<StubOrder>& orders() { return orders_; }

 private:
  static constexpr u64 kRegionSize = 2_MiB, kPerRegion = kRegionSize / kPageSize;
  // An offset, and in its low bits the rights.
  struct Region {
    std::array<u64, kPerRegion> entries{};
  };
  static Mapping unpack(u64 entry) {
    return {.rights = static_cast<u8>(entry & ~kPageMask), .offset = entry & kPageMask};
  }

  std::unordered_map<u64, Region> regions_;
  std::vector<StubOrder> orders_;
  u64 pages_ = 0;
};

}  // namespace backplane::native
