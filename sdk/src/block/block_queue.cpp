// SPDX-License-Identifier: MIT
#include "backplane/block_queue.h"

#include <chrono>
#include <utility>

#include "backplane/machine.h"
#include "block/engine_stage.h"
#include "block/error_policy.h"
#include "block/host_transfers.h"
#include "block/node_workers.h"
#include "block/reproducible_order.h"

namespace backplane {

namespace {

// What carries requests out: threads, and for those that are the host's alone an engine, if the
// node wants one.
std::unique_ptr<RequestStage> last_stage_of(IoContext& loop, BlockNode& node) {
  auto workers = std::make_unique<NodeWorkers>(loop, node);
  auto* const host = dynamic_cast<HostTransfers*>(&node);
  if (host == nullptr || host->engine().empty()) return workers;
  return std::make_unique<EngineStage>(loop, node, *host, std::move(workers));
}

std::unique_ptr<RequestStage> stages_of(Machine& machine, IoContext& loop, BlockNode& node) {
  auto last = last_stage_of(loop, node);
  if (!machine.virtual_clock().follows_instructions()) return last;
  return std::make_unique<ReproducibleOrder>(machine.virtual_clock(), std::move(last));
}

BlockStatistics::Counters& counters_of(BlockStatistics& statistics, BlockOp op) {
  switch (op) {
    case BlockOp::Read:
      return statistics.read;
    case BlockOp::Flush:
      return statistics.flush;
    case BlockOp::Discard:
      return statistics.discard;
    case BlockOp::Write:
    case BlockOp::WriteZeroes:
      break;
  }
  return statistics.write;
}

bool writes(BlockOp op) { return op != BlockOp::Read && op != BlockOp::Flush; }

}  // namespace

struct BlockQueue::Impl {
  Impl(Machine& machine, BlockNode& node, const BlockQueueSettings& settings, IoContext& loop)
      : loop(loop),
        node(node),
        write_through(settings.write_through),
        policy(
            node, settings.on_error,
            [&machine, &loop] {
              loop.with_machine(
                  [&machine] { machine.run_control().request_stop(StopCause::IoError); });
            },
            [&machine, &loop](const Value& failure) {
              loop.with_machine(
                  [&machine, failure] { machine.events().send(kBlockErrorEvent, failure); });
            },
            stages_of(machine, loop, node)) {}
  void complete_on_disk(BlockRequest& request);
  void count(BlockRequest& request);

  IoContext& loop;
  BlockNode& node;
  const bool write_through;
  ErrorPolicy policy;
  BlockStatistics statistics;
  Subscription run_state;
};

BlockQueue::BlockQueue(Machine& machine, BlockNode& node, const BlockQueueSettings& settings)
    : BlockQueue(machine, node, settings, machine.main_loop().io_context()) {}

BlockQueue::BlockQueue(Machine& machine, BlockNode& node, const BlockQueueSettings& settings,
                       IoContext& loop) {
  expect_whole_sectors(node);
  const IoContext::Guard lock(loop);
  impl_ = std::make_shared<Impl>(machine, node, settings, loop);
  impl_->run_state = machine.run_control().on_change([impl = impl_.get()](bool running) {
    const IoContext::Guard lock(impl->loop);
    if (running) impl->policy.retry();
  });
  node.queue_ = this;
}

BlockQueue::~BlockQueue() {
  impl_->node.queue_ = nullptr;
  const IoContext::Guard lock(impl_->loop);
  impl_->loop.run_kept();
  impl_.reset();
}

// As one that is complete when it is on stable storage, if that is wanted.
void BlockQueue::Impl::complete_on_disk(BlockRequest& request) {
  if (!write_through || !writes(request.op)) return;
  request.done = [this, done = std::move(request.done)](int result) {
    if (result == 0) return policy.submit({.op = BlockOp::Flush, .done = done});
    if (done) done(result);
  };
}

void BlockQueue::Impl::count(BlockRequest& request) {
  BlockStatistics::Counters& counters = counters_of(statistics, request.op);
  request.done = [&counters, size = request.size, began = std::chrono::steady_clock::now(),
                  done = std::move(request.done)](int result) {
    if (result == 0) {
      ++counters.operations;
      counters.bytes += size;
    } else {
      ++counters.failed;
    }
    const auto took = std::chrono::steady_clock::now() - began;
    counters.time_ns += static_cast<u64>(std::chrono::nanoseconds(took).count());
    if (done) done(result);
  };
}

void BlockQueue::submit(BlockRequest request) {
  impl_->count(request);
  impl_->complete_on_disk(request);
  impl_->policy.submit(std::move(request));
}

void BlockQueue::hold(BlockRequest request) {
  impl_->count(request);
  impl_->complete_on_disk(request);
  impl_->policy.hold(std::move(request));
}

// What completed may have left an interrupt to be raised under the machine lock.
void BlockQueue::settle() {
  const IoContext::Guard lock(impl_->loop);
  impl_->policy.settle();
  impl_->loop.run_kept();
}

void BlockQueue::drain() {
  const IoContext::Guard lock(impl_->loop);
  impl_->policy.drain();
  impl_->loop.run_kept();
}

std::string BlockQueue::describe() const {
  const IoContext::Guard lock(impl_->loop);
  return (impl_->write_through ? "write-cache=off, " : "") + impl_->policy.describe();
}

BlockStatistics BlockQueue::statistics() const {
  const IoContext::Guard lock(impl_->loop);
  return impl_->statistics;
}

}  // namespace backplane
