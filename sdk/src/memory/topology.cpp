// SPDX-License-Identifier: MIT
#include "memory/topology.h"

#include <algorithm>
#include <utility>

#include "memory/address_space_impl.h"
#include "memory/flatten.h"

namespace backplane {

namespace {

std::vector<AddressSpace*> all_spaces;
unsigned batch_depth = 0;

bool same(const FlatRange& a, const FlatRange& b) {
  return a.start == b.start && a.size == b.size && a.region == b.region && a.offset == b.offset &&
         a.block == b.block && a.block_offset == b.block_offset && a.readonly == b.readonly;
}

// Calls fn for each range of `from` that is not, exactly so, in `other`.
template <class Fn>
void for_each_missing(const std::vector<FlatRange>& from, const std::vector<FlatRange>& other,
                      Fn fn) {
  auto at = other.begin();
  for (const FlatRange& range : from) {
    while (at != other.end() && at->start < range.start) ++at;
    if (at == other.end() || !same(*at, range)) fn(range);
  }
}

}  // namespace

void MemoryTopology::add_space(AddressSpace& space) {
  all_spaces.push_back(&space);
  rebuild(space);
}

void MemoryTopology::remove_space(AddressSpace& space) { std::erase(all_spaces, &space); }

void MemoryTopology::changed(MemoryRegion& region) {
  mark(region);
  if (batch_depth == 0) rebuild_marked();
}

void MemoryTopology::changed_now(MemoryRegion& region) {
  mark(region);
  rebuild_marked();
}

void MemoryTopology::begin_batch() { ++batch_depth; }

void MemoryTopology::end_batch() {
  if (--batch_depth == 0) rebuild_marked();
}

void MemoryTopology::mark(MemoryRegion& region) {
  // Everything above it, through parents and aliases; aliases may form loops.
  std::vector<MemoryRegion*> above{&region};
  const auto add = [&above](MemoryRegion* r) {
    if (r != nullptr && std::find(above.begin(), above.end(), r) == above.end()) above.push_back(r);
  };
  for (std::size_t i = 0; i < above.size(); ++i) {
    add(above[i]->parent_);
    for (MemoryRegion* const alias : above[i]->aliases_) add(alias);
  }
  for (AddressSpace* const space : all_spaces)
    if (std::find(above.begin(), above.end(), &space->root_) != above.end())
      space->impl_->marked = true;
}

void MemoryTopology::rebuild_marked() {
  // By index: a listener may create or destroy address spaces.
  for (std::size_t i = 0; i < all_spaces.size(); ++i)
    if (all_spaces[i]->impl_->marked) rebuild(*all_spaces[i]);
}

void MemoryTopology::rebuild(AddressSpace& space) {
  space.impl_->marked = false;
  rebuild_view(space);
  place_eventfds(space);
}

void MemoryTopology::rebuild_view(AddressSpace& space) {
  AddressSpace::Impl& impl = *space.impl_;
  std::vector<FlatRange> ranges = flatten(space.root_);
  const std::shared_ptr<const FlatView> old_view = impl.view.load();
  const std::vector<FlatRange> none;
  const std::vector<FlatRange>& old_ranges = old_view ? old_view->ranges() : none;
  if (old_view &&
      std::equal(old_ranges.begin(), old_ranges.end(), ranges.begin(), ranges.end(), same))
    return;

  const auto new_view = std::make_shared<const FlatView>(std::move(ranges));
  impl.view.store(new_view);
  space.generation_.fetch_add(1, std::memory_order_release);

  for (MemoryListener* const listener : std::vector<MemoryListener*>(impl.listeners)) {
    listener->begin();
    for_each_missing(old_ranges, new_view->ranges(),
                     [&](const FlatRange& range) { listener->region_removed(range); });
    for_each_missing(new_view->ranges(), old_ranges,
                     [&](const FlatRange& range) { listener->region_added(range); });
    listener->commit();
  }
}

void MemoryTopology::place_eventfds(AddressSpace& space) {
  using Placed = AddressSpace::Impl::PlacedEventfd;
  AddressSpace::Impl& impl = *space.impl_;
  std::vector<Placed> now;
  const std::shared_ptr<const FlatView> view = impl.view.load();
  for (const FlatRange& range : view->ranges())
    for (const MemoryRegion::Eventfd& eventfd : range.region->eventfds())
      if (eventfd.offset >= range.offset && eventfd.offset - range.offset < range.size)
        now.push_back({range.start + (eventfd.offset - range.offset), eventfd});
  if (now == impl.eventfds) return;
  const std::vector<Placed> before = std::exchange(impl.eventfds, now);

  const auto has = [](const std::vector<Placed>& list, const Placed& item) {
    return std::find(list.begin(), list.end(), item) != list.end();
  };
  for (MemoryListener* const listener : std::vector<MemoryListener*>(impl.listeners)) {
    if (!listener->takes_eventfds()) continue;
    for (const Placed& gone : before)
      if (!has(now, gone)) listener->eventfd_removed(gone.address, gone.eventfd);
    for (const Placed& added : now)
      if (!has(before, added)) listener->eventfd_added(added.address, added.eventfd);
  }
}

}  // namespace backplane
