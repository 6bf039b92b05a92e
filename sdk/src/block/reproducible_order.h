// SPDX-License-Identifier: MIT
#pragma once

#include <deque>
#include <functional>
#include <memory>

#include "backplane/clock.h"
#include "block/request_stage.h"

namespace backplane {

// Lets requests complete at times that they and the virtual clock alone decide, in the order in
// which they were submitted, not when the host is done. Where the host is late, the vCPU waits for
// it, with the machine lock. Completions run where virtual timers fire; drain() completes
// everything at once. The clock must outlive it, or everything be drained before.
class ReproducibleOrder final : public RequestStage {
 public:
  ReproducibleOrder(Clock& virtual_clock, std::unique_ptr<RequestStage> next);

  void submit(BlockRequest request) override;
  void drain() override;

 private:
  struct Pending {
    i64 due = 0;
    std::function<void(int)> done;
    bool finished = false;  // the host has carried it out
    int result = 0;
  };
  void expire();
  void complete_first();

  Clock& clock_;
  std::unique_ptr<RequestStage> next_;
  std::deque<std::shared_ptr<Pending>> pending_;  // by time
  i64 idle_at_ = 0;                               // when the last one completes
  Timer timer_;
};

}  // namespace backplane
