// SPDX-License-Identifier: MIT
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "backplane/value.h"
#include "block/request_stage.h"

namespace backplane {

// Does with what the host fails at in the next stage what the ErrorActions say, and tells of each
// failure, with the data of kBlockErrorEvent. Where it is to wait, stop() stops the machine, soon,
// and retry() must be called before it goes on. What waits
// when it is drained completes with its failure.
class ErrorPolicy final : public RequestStage {
 public:
  ErrorPolicy(const BlockNode& node, ErrorActions actions, std::function<void()> stop,
              std::function<void(const Value& failure)> tell, std::unique_ptr<RequestStage> next);

  void submit(BlockRequest request) override;
  void drain() override;
  // Has it wait as if the host had failed to carry it out.
  void hold(BlockRequest request);
  // Nothing is in flight after this but what waits.
  void settle() { next_->drain(); }
  // Tries again what waits.
  void retry();
  std::string describe() const;

 private:
  struct Failed {
    std::shared_ptr<const BlockRequest> request;
    int result = 0;
  };

  // Has the next stage carry it out, keeping what is needed to do so again.
  void attempt(std::shared_ptr<const BlockRequest> request);
  void fail(Failed failed);
  ErrorAction action_for(const Failed& failed) const;
  Value event_of(const Failed& failed, ErrorAction action, const std::string& reason) const;
  // Says the line, unless one for that reason was said before.
  void say_once(const std::string& reason, const std::string& line);

  const BlockNode& node_;
  ErrorActions actions_;
  std::function<void()> stop_;
  std::function<void(const Value& failure)> tell_;
  std::unique_ptr<RequestStage> next_;
  std::vector<Failed> waiting_;  // until the machine goes on
  bool giving_up_ = false;       // nothing is to wait: drain()
  std::set<std::string> said_;
  u64 failures_ = 0;
  std::string last_failure_;
};

}  // namespace backplane
