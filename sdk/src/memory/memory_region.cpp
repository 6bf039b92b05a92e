// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cassert>

#include "backplane/memory.h"
#include "memory/topology.h"

namespace backplane {

MemoryRegion::MemoryRegion(std::string name, Kind kind, u64 size)
    : name_(std::move(name)), kind_(kind), size_(size) {}

std::unique_ptr<MemoryRegion> MemoryRegion::container(std::string name, u64 size) {
  return std::unique_ptr<MemoryRegion>(new MemoryRegion(std::move(name), Kind::Container, size));
}

std::unique_ptr<MemoryRegion> MemoryRegion::ram(std::string name, std::shared_ptr<RamBlock> block,
                                                u64 block_offset, u64 size) {
  assert(block_offset <= block->size() && size <= block->size() - block_offset);
  std::unique_ptr<MemoryRegion> region(new MemoryRegion(std::move(name), Kind::Ram, size));
  region->block_ = std::move(block);
  region->block_offset_ = block_offset;
  return region;
}

std::unique_ptr<MemoryRegion> MemoryRegion::rom(std::string name, std::shared_ptr<RamBlock> block,
                                                u64 block_offset, u64 size) {
  std::unique_ptr<MemoryRegion> region = ram(std::move(name), std::move(block), block_offset, size);
  region->kind_ = Kind::Rom;
  return region;
}

std::unique_ptr<MemoryRegion> MemoryRegion::rom_device(std::string name,
                                                       std::shared_ptr<RamBlock> block,
                                                       u64 block_offset, u64 size,
                                                       const MmioHandler& handler) {
  std::unique_ptr<MemoryRegion> region = rom(std::move(name), std::move(block), block_offset, size);
  region->handler_ = handler;
  region->trace_ = std::make_unique<TracePoint>(region->name_);
  return region;
}

std::unique_ptr<MemoryRegion> MemoryRegion::mmio(std::string name, u64 size,
                                                 const MmioHandler& handler) {
  std::unique_ptr<MemoryRegion> region(new MemoryRegion(std::move(name), Kind::Mmio, size));
  region->handler_ = handler;
  region->trace_ = std::make_unique<TracePoint>(region->name_);
  return region;
}

std::unique_ptr<MemoryRegion> MemoryRegion::alias(std::string name, MemoryRegion& target,
                                                  u64 offset, u64 size) {
  std::unique_ptr<MemoryRegion> region(new MemoryRegion(std::move(name), Kind::Alias, size));
  region->target_ = &target;
  region->block_offset_ = offset;
  target.aliases_.push_back(region.get());
  return region;
}

MemoryRegion::~MemoryRegion() {
  // Whatever shows this region must stop doing so while it still exists.
  const bool was_shown = parent_ != nullptr || !aliases_.empty();
  enabled_ = false;
  if (was_shown) MemoryTopology::changed_now(*this);

  if (parent_ != nullptr) std::erase(parent_->subregions_, this);
  for (MemoryRegion* const child : subregions_) child->parent_ = nullptr;
  for (MemoryRegion* const alias : aliases_) alias->target_ = nullptr;
  if (target_ != nullptr) std::erase(target_->aliases_, this);
}

void MemoryRegion::add_subregion(u64 address, MemoryRegion& child, int priority) {
  assert(child.parent_ == nullptr);
  child.parent_ = this;
  child.address_ = address;
  child.priority_ = priority;
  const auto place = std::find_if(subregions_.begin(), subregions_.end(),
                                  [&](MemoryRegion* r) { return r->priority_ <= priority; });
  subregions_.insert(place, &child);
  MemoryTopology::changed(child);
}

void MemoryRegion::remove_subregion(MemoryRegion& child) {
  if (child.parent_ != this) return;
  MemoryRegion::Batch batch;
  MemoryTopology::changed(child);
  child.parent_ = nullptr;
  std::erase(subregions_, &child);
}

void MemoryRegion::set_enabled(bool enabled) {
  if (enabled == enabled_) return;
  enabled_ = enabled;
  MemoryTopology::changed(*this);
}

void MemoryRegion::set_address(u64 address) {
  if (address == address_) return;
  address_ = address;
  MemoryTopology::changed(*this);
}

void MemoryRegion::set_size(u64 size) {
  if (size == size_) return;
  assert(!block_ || size <= block_->size() - block_offset_);
  size_ = size;
  MemoryTopology::changed(*this);
}

void MemoryRegion::set_alias_offset(u64 offset) {
  if (kind_ != Kind::Alias || offset == block_offset_) return;
  block_offset_ = offset;
  MemoryTopology::changed(*this);
}

void MemoryRegion::set_readonly(bool readonly) {
  if (!block_ || readonly == (kind_ == Kind::Rom)) return;
  kind_ = readonly ? Kind::Rom : Kind::Ram;
  MemoryTopology::changed(*this);
}

void MemoryRegion::add_eventfd(const Eventfd& eventfd) {
  assert(kind_ == Kind::Mmio);
  eventfds_.push_back(eventfd);
  MemoryTopology::changed(*this);
}

void MemoryRegion::remove_eventfd(const Eventfd& eventfd) {
  std::erase(eventfds_, eventfd);
  MemoryTopology::changed(*this);
}

MemoryRegion::Batch::Batch() { MemoryTopology::begin_batch(); }
MemoryRegion::Batch::~Batch() { MemoryTopology::end_batch(); }

}  // namespace backplane
