// SPDX-License-Identifier: MIT
// [virtio-1.2 §5.5 "Traditional Memory Balloon Device"]
#pragma once

#include "backplane/types.h"

namespace backplane::virtio_balloon {

enum Feature : unsigned {
  kMustTellHost = 0,
  kStatsVq = 1,
  kDeflateOnOom = 2,
  kFreePageHint = 3,
  kPagePoison = 4,
  kPageReporting = 5,
};

// struct virtio_balloon_config
enum Config : unsigned { kNumPages = 0, kActual = 4, kConfigSize = 8 };

constexpr unsigned kPageShift = 12;  // of the numbers in the queues, whatever the guest's pages are

// struct virtio_balloon_stat: le16 tag, le64 value, packed
constexpr unsigned kStatSize = 10;
enum Stat : u16 {
  kSwapIn,
  kSwapOut,
  kMajorFaults,
  kMinorFaults,
  kFreeMemory,
  kTotalMemory,
  kAvailableMemory,
  kDiskCaches,
  kHugetlbAllocations,
  kHugetlbFailures,
  kStatCount,
};

}  // namespace backplane::virtio_balloon
