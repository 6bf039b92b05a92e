// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>

#include "backplane/memory.h"
#include "memory/address_space_impl.h"
#include "memory/topology.h"

namespace backplane {

namespace {

// The views that a thread used last, so that an access costs no reference count, and no search
// where it follows another to the same range.
struct CachedView {
  u64 identity = 0;
  u64 generation = 0;
  const FlatView* view = nullptr;
  const FlatRange* last = nullptr;
};
constexpr std::size_t kCachedViews = 8;
[[gnu::tls_model("initial-exec")]] constinit thread_local CachedView cached_views[kCachedViews];

// What keeps them; apart, so that the above needs no destructor and is reached at once.
thread_local std::shared_ptr<const FlatView> kept_views[kCachedViews];

// The calling thread's entry for an address space, up to date.
CachedView& cached(const AddressSpace& space, u64 identity) {
  const std::size_t slot = identity % kCachedViews;
  CachedView& entry = cached_views[slot];
  const u64 generation = space.generation();
  if (entry.identity != identity || entry.generation != generation) {
    // The view may be newer than the generation read before it; then it is only fetched again.
    kept_views[slot] = space.view();
    entry = {identity, generation, kept_views[slot].get(), nullptr};
  }
  return entry;
}

std::atomic<u64> last_identity{0};

const char* kind_name(MemoryRegion::Kind kind) {
  switch (kind) {
    case MemoryRegion::Kind::Container:
      return "container";
    case MemoryRegion::Kind::Ram:
      return "ram";
    case MemoryRegion::Kind::Rom:
      return "rom";
    case MemoryRegion::Kind::Mmio:
      return "i/o";
    case MemoryRegion::Kind::Alias:
      return "alias";
  }
  return "";
}

u64 last_address(u64 start, u64 size) { return size == 0 ? start : start + (size - 1); }

Value describe_region(const MemoryRegion& region, u64 start) {
  Value::Record record{{"name", region.name()},
                       {"kind", kind_name(region.kind())},
                       {"start", start},
                       {"end", last_address(start, region.size())},
                       {"priority", region.priority()},
                       {"enabled", region.enabled()}};
  if (const MemoryRegion* const target = region.alias_target(); target != nullptr)
    record.push_back(
        {"alias", Value::Record{{"name", target->name()},
                                {"start", region.alias_offset()},
                                {"end", last_address(region.alias_offset(), region.size())}}});
  std::vector<MemoryRegion*> children = region.subregions();
  std::stable_sort(children.begin(), children.end(), [](const auto* one, const auto* other) {
    return one->address() < other->address();
  });
  Value::List regions;
  for (const MemoryRegion* const child : children)
    regions.push_back(describe_region(*child, start + child->address()));
  if (!regions.empty()) record.push_back({"regions", std::move(regions)});
  return record;
}

}  // namespace

AddressSpace::AddressSpace(std::string name, MemoryRegion& root)
    : name_(std::move(name)), root_(root), impl_(std::make_unique<Impl>()) {
  impl_->identity = ++last_identity;
  MemoryTopology::add_space(*this);
}

DebugAccess::DebugAccess(AddressSpace& space, const MemoryRegion& region,
                         const MmioHandler& handler)
    : space_(space), region_(region) {
  space_.impl_->debug_handlers.insert_or_assign(&region_, handler);
}

DebugAccess::~DebugAccess() { space_.impl_->debug_handlers.erase(&region_); }

AddressSpace::~AddressSpace() {
  MemoryTopology::remove_space(*this);
  const std::size_t slot = impl_->identity % kCachedViews;
  if (cached_views[slot].identity != impl_->identity) return;
  cached_views[slot] = {};
  kept_views[slot].reset();
}

std::shared_ptr<const FlatView> AddressSpace::view() const { return impl_->view.load(); }

const FlatView& AddressSpace::cached_view() const { return *cached(*this, impl_->identity).view; }

const FlatRange* AddressSpace::look_up(u64 address) const {
  CachedView& entry = cached(*this, impl_->identity);
  const FlatRange* const last = entry.last;
  if (last != nullptr && address >= last->start && address - last->start < last->size) return last;
  entry.last = entry.view->find_or_next(address);
  return entry.last;
}

void AddressSpace::add_listener(MemoryListener& listener) {
  impl_->listeners.push_back(&listener);
  listener.begin();
  for (const FlatRange& range : view()->ranges()) listener.region_added(range);
  listener.commit();
  if (listener.takes_eventfds())
    for (const Impl::PlacedEventfd& e : impl_->eventfds)
      listener.eventfd_added(e.address, e.eventfd);
}

void AddressSpace::remove_listener(MemoryListener& listener) {
  std::erase(impl_->listeners, &listener);
}

std::vector<MemoryListener*> AddressSpace::dirty_log_keepers() const {
  std::vector<MemoryListener*> keepers;
  std::copy_if(impl_->listeners.begin(), impl_->listeners.end(), std::back_inserter(keepers),
               [](const MemoryListener* listener) { return listener->keeps_dirty_log(); });
  return keepers;
}

bool AddressSpace::takes_eventfds() const {
  return std::any_of(impl_->listeners.begin(), impl_->listeners.end(),
                     [](const MemoryListener* listener) { return listener->takes_eventfds(); });
}

Value AddressSpace::describe() const {
  Value::List ranges;
  for (const FlatRange& range : view()->ranges())
    ranges.push_back(Value::Record{{"name", range.region->name()},
                                   {"kind", kind_name(range.region->kind())},
                                   {"start", range.start},
                                   {"end", last_address(range.start, range.size)},
                                   {"offset", range.offset}});
  return Value::Record{{"name", name_},
                       {"regions", Value::List{describe_region(root_, 0)}},
                       {"view", std::move(ranges)}};
}

}  // namespace backplane
