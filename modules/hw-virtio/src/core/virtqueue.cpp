// SPDX-License-Identifier: MIT
// The rings: what is available, what was used, and who wants to be told.
#include "backplane/virtio/virtqueue.h"

#include <atomic>
#include <bit>

#include "backplane/virtio/virtio_device.h"

namespace backplane {

using namespace virtio;

namespace {

// Offsets in the rings. [virtio-1.2 §2.7.6, 2.7.8]
constexpr unsigned kRingFlags = 0;
constexpr unsigned kRingIndex = 2;
constexpr unsigned kRingEntries = 4;
constexpr unsigned kUsedEntrySize = 8;

u16 load16(const u8* at, std::memory_order order = std::memory_order_relaxed) {
  return std::atomic_ref<u16>(*reinterpret_cast<u16*>(const_cast<u8*>(at))).load(order);
}

void store16(u8* at, u16 value, std::memory_order order = std::memory_order_relaxed) {
  std::atomic_ref<u16>(*reinterpret_cast<u16*>(at)).store(value, order);
}

void store32(u8* at, u32 value) {
  std::atomic_ref<u32>(*reinterpret_cast<u32*>(at)).store(value, std::memory_order_relaxed);
}

}  // namespace

void VirtElement::clear() {
  out.clear();
  in.clear();
  in_places.clear();
  out_size = 0;
  in_size = 0;
}

VirtQueue::VirtQueue(VirtioDevice& device, unsigned index, u16 max_size, Handler handler)
    : device_(device),
      index_(index),
      max_size_(max_size),
      handler_(std::move(handler)),
      size_(max_size) {}

void VirtQueue::reset() {
  size_ = max_size_;
  descriptor_area_ = 0;
  driver_area_ = 0;
  device_area_ = 0;
  enabled_ = false;
  mapped_ = false;
  next_avail_ = 0;
  next_used_ = 0;
  signalled_used_ = 0;
  signalled_valid_ = false;
  pushed_ = false;
  in_flight_ = 0;
}

void VirtQueue::set_size(u16 size) {
  if (!enabled_ && size <= max_size_ && std::has_single_bit(size)) size_ = size;
}

void VirtQueue::set_areas(u64 descriptors, u64 driver, u64 device) {
  if (enabled_) return;
  descriptor_area_ = descriptors;
  driver_area_ = driver;
  device_area_ = device;
}

void VirtQueue::enable() {
  enabled_ = true;
  mapped_ = false;
}

void VirtQueue::kick() {
  if (enabled_ && device_.operating()) handler_(*this);
}

bool VirtQueue::broken(const char* what) {
  device_.mark_needs_reset(fmt::format("queue {}: {}", index_, what));
  return false;
}

bool VirtQueue::usable() {
  if (!enabled_ || !device_.operating()) return false;
  if (mapped_ && generation_ == device_.transport().dma_space().generation()) return true;
  return map_rings();
}

bool VirtQueue::map_rings() {
  AddressSpace& space = device_.transport().dma_space();
  const u64 generation = space.generation();
  const std::shared_ptr<const FlatView> view = space.view();
  mapped_ = map_ring(*view, descriptors_, descriptor_area_, u64{size_} * sizeof(Descriptor), 16,
                     false, "the descriptor table is not in RAM, or not aligned") &&
            map_ring(*view, avail_, driver_area_, kRingEntries + 2 * u64{size_} + 2, 2, false,
                     "the available ring is not in RAM, or not aligned") &&
            map_ring(*view, used_, device_area_, kRingEntries + kUsedEntrySize * u64{size_} + 2, 4,
                     true, "the used ring is not in RAM, or not aligned");
  generation_ = generation;
  return mapped_;
}

bool VirtQueue::map_ring(const FlatView& view, Ring& ring, u64 address, u64 size, u64 alignment,
                         bool writable, const char* what) {
  const FlatRange* range = view.find(address);
  if (range == nullptr || !range->is_ram() || (writable && range->readonly) ||
      size > range->size - (address - range->start))
    return broken(what);
  const u64 at = address - range->start;
  ring = {range->host + at, range->block, range->block_offset + at};
  if (reinterpret_cast<std::uintptr_t>(ring.host) % alignment != 0) return broken(what);
  return true;
}

u16 VirtQueue::avail_index() const {
  return load16(avail_.host + kRingIndex, std::memory_order_acquire);
}

bool VirtQueue::empty() { return !usable() || avail_index() == next_avail_; }

bool VirtQueue::pop(VirtElement& element) {
  if (!usable()) return false;
  const u16 index = avail_index();
  if (index == next_avail_) return false;
  if (static_cast<u16>(index - next_avail_) > size_) return broken("the available index ran away");
  if (in_flight_ >= size_) return broken("more buffers are available than the queue has");
  const u16 head = load16(avail_.host + kRingEntries + 2 * (next_avail_ % size_));
  element.clear();
  element.head = head;
  if (!collect(head, element)) return false;
  ++next_avail_;
  ++in_flight_;
  return true;
}

void VirtQueue::put_back() {
  --next_avail_;
  --in_flight_;
}

void VirtQueue::push(const VirtElement& element, u32 written) {
  push_with_next(element, written);
  if (!usable()) return;
  used_.block->about_to_write(used_.offset + kRingIndex, 2);
  store16(used_.host + kRingIndex, next_used_, std::memory_order_release);
  pushed_ = true;
}

void VirtQueue::push_with_next(const VirtElement& element, u32 written) {
  if (in_flight_ != 0) --in_flight_;
  if (!usable()) return;
  // The pages were reported before they were written; guest code may have run from them since.
  for (u64 i = 0, left = written; i < element.in.size() && left != 0; ++i) {
    const u64 part = std::min<u64>(left, element.in[i].iov_len);
    element.in_places[i].block->about_to_write(element.in_places[i].offset, part);
    left -= part;
  }
  const unsigned at = kRingEntries + kUsedEntrySize * (next_used_ % size_);
  used_.block->about_to_write(used_.offset + at, kUsedEntrySize);
  store32(used_.host + at, element.head);
  store32(used_.host + at + 4, written);
  ++next_used_;
}

// [virtio-1.2 §2.7.7.2 "Device Requirements: Used Buffer Notification Suppression", 2.7.10]
bool VirtQueue::driver_wants_interrupt() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!device_.has_feature(kEventIdx))
    return (load16(avail_.host + kRingFlags) & kAvailNoInterrupt) == 0;
  const u16 before = signalled_used_;
  const bool valid = signalled_valid_;
  signalled_used_ = next_used_;
  signalled_valid_ = true;
  const u16 used_event = load16(avail_.host + kRingEntries + 2 * size_);
  return !valid ||
         static_cast<u16>(next_used_ - used_event - 1) < static_cast<u16>(next_used_ - before);
}

void VirtQueue::notify() {
  if (!pushed_ || !usable()) return;
  pushed_ = false;
  if (driver_wants_interrupt()) device_.transport().notify_queue(index_);
}

// [virtio-1.2 §2.7.10 "Available Buffer Notification Suppression"]
void VirtQueue::set_notification(bool enabled) {
  if (!usable()) return;
  if (!device_.has_feature(kEventIdx))
    store_used16(kRingFlags, enabled ? 0 : kUsedNoNotify);
  else if (enabled)
    store_used16(kRingEntries + kUsedEntrySize * size_, next_avail_);
  // The driver's index is looked at again after this: one of the two sees the other's write.
  if (enabled) std::atomic_thread_fence(std::memory_order_seq_cst);
}

void VirtQueue::store_used16(unsigned offset, u16 value) {
  used_.block->about_to_write(used_.offset + offset, 2);
  store16(used_.host + offset, value);
}

void VirtQueue::serve_later() { device_.kick_all_later(); }

}  // namespace backplane
