// SPDX-License-Identifier: MIT
#include "backplane/dirty_log.h"

#include "backplane/error.h"

namespace backplane {

namespace {

// Calls each(listener, range) for each range of the block and each listener that keeps a log.
template <class Each>
void for_each_range(const AddressSpace& space, const RamBlock& block, Each each) {
  const std::shared_ptr<const FlatView> view = space.view();
  for (MemoryListener* const listener : space.dirty_log_keepers())
    for (const FlatRange& range : view->ranges())
      if (range.block == &block) each(*listener, range);
}

void start(AddressSpace& space, RamBlock& block, RamBlock::PageFlag log) {
  if (space.dirty_log_keepers().empty())
    throw Error("the accelerator does not tell which pages the guest writes");
  if (block.logs_writes(log)) throw Error::of("{}: its writes are logged already", block.name());
  // Of what was written before, the other log is told: afterwards it would be told to this one.
  const bool other = block.logs_writes();
  if (other)
    for_each_range(space, block, [](MemoryListener& listener, const FlatRange& range) {
      listener.collect_dirty(range);
    });
  block.log_writes(true, log);
  if (!other)
    for_each_range(space, block, [](MemoryListener& listener, const FlatRange& range) {
      listener.dirty_log_started(range);
    });
}

void stop(AddressSpace& space, RamBlock& block, RamBlock::PageFlag log) {
  const auto each_stops = [](MemoryListener& listener, const FlatRange& range) {
    listener.dirty_log_stopped(range);
  };
  const bool other =
      block.logs_writes(log == RamBlock::kWritten ? RamBlock::kShown : RamBlock::kWritten);
  if (!other) for_each_range(space, block, each_stops);
  block.log_writes(false, log);
}

std::vector<u64> take_from(AddressSpace& space, RamBlock& block, RamBlock::PageFlag log) {
  for_each_range(space, block, [](MemoryListener& listener, const FlatRange& range) {
    listener.collect_dirty(range);
  });
  return block.take_written(log);
}

}  // namespace

DirtyLog::DirtyLog(AddressSpace& space, std::shared_ptr<RamBlock> block)
    : space_(space), block_(std::move(block)) {
  start(space_, *block_, RamBlock::kWritten);
}

DirtyLog::~DirtyLog() { stop(space_, *block_, RamBlock::kWritten); }

std::vector<u64> DirtyLog::take() { return take_from(space_, *block_, RamBlock::kWritten); }

DisplayLog::DisplayLog(AddressSpace& space, std::shared_ptr<RamBlock> block)
    : space_(space), block_(std::move(block)) {
  start(space_, *block_, RamBlock::kShown);
}

DisplayLog::~DisplayLog() { stop(space_, *block_, RamBlock::kShown); }

std::vector<u64> DisplayLog::take() { return take_from(space_, *block_, RamBlock::kShown); }

}  // namespace backplane
