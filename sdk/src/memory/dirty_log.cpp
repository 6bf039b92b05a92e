// SPDX-License-Identifier: MIT
#include "backplane/dirty_log.h"

#include "backplane/error.h"

namespace backplane {

// Calls each(listener, range) for each range of the block and each listener that keeps a log.
template <class Each>
void DirtyLog::for_each_range(Each each) const {
  const std::shared_ptr<const FlatView> view = space_.view();
  for (MemoryListener* const listener : space_.dirty_log_keepers())
    for (const FlatRange& range : view->ranges())
      if (range.block == block_.get()) each(*listener, range);
}

DirtyLog::DirtyLog(AddressSpace& space, std::shared_ptr<RamBlock> block)
    : space_(space), block_(std::move(block)) {
  if (space_.dirty_log_keepers().empty())
    throw Error("the accelerator does not tell which pages the guest writes");
  if (block_->logs_writes()) throw Error::of("{}: its writes are logged already", block_->name());
  block_->log_writes(true);
  for_each_range(
      [](MemoryListener& listener, const FlatRange& range) { listener.dirty_log_started(range); });
}

DirtyLog::~DirtyLog() {
  for_each_range(
      [](MemoryListener& listener, const FlatRange& range) { listener.dirty_log_stopped(range); });
  block_->log_writes(false);
}

std::vector<u64> DirtyLog::take() {
  for_each_range(
      [](MemoryListener& listener, const FlatRange& range) { listener.collect_dirty(range); });
  return block_->take_written();
}

}  // namespace backplane
