// SPDX-License-Identifier: MIT
#pragma once

#include <map>
#include <vector>

#include "backplane/types.h"

namespace backplane::qcow2 {

// How often each cluster of a file is used, as counted; takes memory for what is used alone.
class UseCounts {
 public:
  static constexpr u64 kInPage = 4096;

  u32 at(u64 cluster) const {
    const auto page = pages_.find(cluster / kInPage);
    return page == pages_.end() ? 0 : page->second[cluster % kInPage];
  }
  void add(u64 cluster) { ++slot(cluster); }
  void remove(u64 cluster) { --slot(cluster); }
  // Those that have counts, by their first cluster.
  const std::map<u64, std::vector<u32>>& pages() const { return pages_; }
  // One more than the last cluster that is used.
  u64 end() const {
    for (auto page = pages_.rbegin(); page != pages_.rend(); ++page)
      for (u64 i = kInPage; i-- > 0;)
        if (page->second[i] != 0) return page->first * kInPage + i + 1;
    return 0;
  }

 private:
  u32& slot(u64 cluster) {
    std::vector<u32>& page = pages_[cluster / kInPage];
    if (page.empty()) page.resize(kInPage);
    return page[cluster % kInPage];
  }

  std::map<u64, std::vector<u32>> pages_;
};

}  // namespace backplane::qcow2
