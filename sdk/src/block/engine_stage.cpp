// SPDX-License-Identifier: MIT
#include "block/engine_stage.h"

#include <utility>

namespace backplane {

EngineStage::EngineStage(IoContext& loop, const BlockNode& node, const HostTransfers& host,
                         std::unique_ptr<RequestStage> next)
    : node_(node),
      host_(host),
      next_(std::move(next)),
      engine_(create_aio_engine(host.engine(), loop)) {}

EngineStage::~EngineStage() {
  closing_ = true;
  while (in_flight_ != 0) engine_->wait();
}

void EngineStage::submit(BlockRequest request) {
  if (!give_to_engine(request)) next_->submit(std::move(request));
}

bool EngineStage::give_to_engine(BlockRequest& request) {
  const bool write = request.op == BlockOp::Write;
  if ((!write && request.op != BlockOp::Read) || request.size == 0 || !engine_->has_room() ||
      check_request(node_, request) != 0)
    return false;
  const auto place = host_.place(write, request.offset, request.iov);
  if (!place) return false;
  auto shared = std::make_shared<BlockRequest>(std::move(request));
  ++in_flight_;
  engine_->submit({.write = write, .fd = place->fd, .offset = place->offset, .iov = shared->iov},
                  [this, shared](i64 result) { finished(shared, result); });
  return true;
}

void EngineStage::finished(const std::shared_ptr<BlockRequest>& request, i64 result) {
  --in_flight_;
  if (closing_) return;
  if (result < 0 || static_cast<u64>(result) != request->size)
    return next_->submit(std::move(*request));
  if (request->done) request->done(0);
}

void EngineStage::drain() {
  do {
    while (in_flight_ != 0) engine_->wait();
    next_->drain();
  } while (in_flight_ != 0);
}

}  // namespace backplane
