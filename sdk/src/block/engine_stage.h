// SPDX-License-Identifier: MIT
#pragma once

#include <memory>

#include "backplane/aio.h"
#include "block/host_transfers.h"
#include "block/request_stage.h"

namespace backplane {

// Has an engine of the host's carry out what is a transfer of a file, and the next stage the rest,
// and also what the engine does not bring to its end: that one knows why.
class EngineStage final : public RequestStage {
 public:
  // Throws Error if the engine is not to be had.
  EngineStage(IoContext& loop, const BlockNode& node, const HostTransfers& host,
              std::unique_ptr<RequestStage> next);
  // What was submitted is carried out; its completions do not run any more (see drain()).
  ~EngineStage() override;

  void submit(BlockRequest request) override;
  void drain() override;

 private:
  bool give_to_engine(BlockRequest& request);
  void finished(const std::shared_ptr<BlockRequest>& request, i64 result);

  const BlockNode& node_;
  const HostTransfers& host_;
  std::unique_ptr<RequestStage> next_;
  std::unique_ptr<AioEngine> engine_;
  std::size_t in_flight_ = 0;  // in the engine
  bool closing_ = false;
};

}  // namespace backplane
