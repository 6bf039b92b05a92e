// SPDX-License-Identifier: MIT
// Which queue a received frame goes to: the one beside that on which the driver last sent one of
// the same flow. [virtio-1.2 §5.1.6.5.6.1 "Automatic receive steering in multiqueue mode"]
#pragma once

#include <array>
#include <span>

#include "backplane/io_vector.h"
#include "backplane/types.h"

namespace backplane {

class FlowSteering {
 public:
  // The driver sent a frame on this pair of queues.
  void sent(std::span<const iovec> frame, u16 pair);
  // The pair for a received one, of the `pairs` that are in use.
  u16 pair_for(std::span<const u8> frame, u16 pairs) const;

 private:
  static constexpr unsigned kBuckets = 256;
  std::array<u16, kBuckets> pair_of_{};  // by what the addresses and ports come to
};

}  // namespace backplane
