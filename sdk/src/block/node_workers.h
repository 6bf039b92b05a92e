// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "backplane/io_context.h"
#include "block/completion_queue.h"
#include "block/request_stage.h"
#include "block/worker_pool.h"

namespace backplane {

// The last stage: a few threads have the node carry requests out.
class NodeWorkers final : public RequestStage {
 public:
  NodeWorkers(IoContext& loop, BlockNode& node);
  // What was submitted is carried out; its completions do not run any more (see drain()).
  ~NodeWorkers() override;

  void submit(BlockRequest request) override;
  void drain() override { completions_->run_all(); }

 private:
  BlockNode& node_;
  std::shared_ptr<CompletionQueue> completions_;
  WorkerPool workers_;  // last: its threads use the others
};

}  // namespace backplane
