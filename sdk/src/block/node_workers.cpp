// SPDX-License-Identifier: MIT
#include "block/node_workers.h"

#include <cerrno>
#include <utility>

#include "block/buffers.h"

namespace backplane {

namespace {

// More of them keep a disk busier, but no guest finds out above this.
constexpr std::size_t kThreads = 4;

int carry_out(BlockNode& node, const BlockRequest& request) {
  switch (request.op) {
    case BlockOp::Read:
      return node.read(request.offset, request.iov);
    case BlockOp::Write:
      return node.write(request.offset, request.iov);
    case BlockOp::Flush:
      return node.flush();
    case BlockOp::Discard:
      return node.discard(request.offset, request.size);
    case BlockOp::WriteZeroes:
      return node.write_zeroes(request.offset, request.size, request.may_unmap);
  }
  return -EINVAL;
}

}  // namespace

int check_request(const BlockNode& node, const BlockRequest& request) {
  if (request.op == BlockOp::Flush) return 0;
  const u64 size = node.size();
  if (request.offset % kSectorSize != 0 || request.size % kSectorSize != 0 ||
      request.offset > size || request.size > size - request.offset)
    return -EINVAL;
  if (request.op == BlockOp::Read || request.op == BlockOp::Write) {
    u64 buffers = 0;
    if (!total_size(request.iov, buffers) || buffers != request.size) return -EINVAL;
  }
  if (request.op != BlockOp::Read && node.read_only()) return -EACCES;
  return 0;
}

NodeWorkers::NodeWorkers(IoContext& loop, BlockNode& node)
    : node_(node),
      completions_(std::make_shared<CompletionQueue>(loop)),
      workers_(kThreads, "disk " + node.id()) {}

NodeWorkers::~NodeWorkers() { completions_->close(); }

void NodeWorkers::submit(BlockRequest request) {
  completions_->expect();
  if (const int error = check_request(node_, request); error != 0) {
    completions_->finish(std::move(request.done), error);
    return;
  }
  // Shared, because a function that can be copied must hold it.
  auto shared = std::make_shared<BlockRequest>(std::move(request));
  workers_.submit([this, shared = std::move(shared)] {
    const int result = carry_out(node_, *shared);
    completions_->finish(std::move(shared->done), result);
  });
}

}  // namespace backplane
