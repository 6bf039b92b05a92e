// SPDX-License-Identifier: MIT
// What a queue is made of: stages that requests pass through, each in front of the next.
#pragma once

#include "backplane/block_queue.h"

namespace backplane {

// All calls with the lock of the loop that the queue is used in.
class RequestStage {
 public:
  virtual ~RequestStage() = default;
  virtual void submit(BlockRequest request) = 0;
  // Waits until nothing is in flight; completions run.
  virtual void drain() = 0;
};

// -EINVAL or -EACCES for a request that no node may see, else 0.
int check_request(const BlockNode& node, const BlockRequest& request);

}  // namespace backplane
