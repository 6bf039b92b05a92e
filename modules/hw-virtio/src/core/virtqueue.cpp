// SPDX-License-Identifier: MIT
// The rings: what is available, what was used, and who wants to be told.
#include "backplane/virtio/virtqueue.h"

#include <atomic>
#include <bit>

#include "backplane/error.h"
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
    : device_(device), index_(index), max_size_(max_size), handler_(std::move(handler)) {
  state_.size = max_size;
}

void VirtQueue::reset() {
  state_ = {.size = max_size_};
  mapped_ = false;
  in_flight_ = 0;
}

std::span<const StateMember> VirtQueue::State::members() {
  static const StateMember kMembers[] = {
      member<&State::size>("size"),
      member<&State::descriptor_area>("descriptor_area"),
      member<&State::driver_area>("driver_area"),
      member<&State::device_area>("device_area"),
      member<&State::enabled>("enabled"),
      member<&State::next_avail>("next_avail"),
      member<&State::next_used>("next_used"),
      member<&State::signalled_used>("signalled_used"),
      member<&State::signalled_valid>("signalled_valid"),
      member<&State::pushed>("pushed"),
  };
  return kMembers;
}

std::span<const StateMember> VirtQueue::members() {
  static const StateMember kMembers[] = {
      member<&VirtQueue::state_>("state"),
  };
  return kMembers;
}

std::span<const StateMember> VirtQueues::members() {
  static const StateMember kMembers[] = {
      member<&VirtQueues::list>("list"),
  };
  return kMembers;
}

void VirtQueue::loaded() {
  if (!std::has_single_bit(state_.size) || state_.size > max_size_)
    throw Error::of("queue {}: has {} entries: expects a power of two up to {}", index_,
                    state_.size, max_size_);
  mapped_ = false;
  in_flight_ = 0;
}

bool VirtQueue::take_again(u16 head, VirtElement& element) {
  if (!usable() || in_flight_ >= state_.size) return false;
  element.clear();
  element.head = head;
  if (!collect(head, element)) return false;
  ++in_flight_;
  return true;
}

void VirtQueue::set_size(u16 size) {
  if (!state_.enabled && size <= max_size_ && std::has_single_bit(size)) state_.size = size;
}

void VirtQueue::set_areas(u64 descriptors, u64 driver, u64 device) {
  if (state_.enabled) return;
  state_.descriptor_area = descriptors;
  state_.driver_area = driver;
  state_.device_area = device;
}

void VirtQueue::enable() {
  state_.enabled = true;
  mapped_ = false;
}

void VirtQueue::kick() {
  if (state_.enabled && device_.takes_kicks() && device_.operating()) handler_(*this);
}

bool VirtQueue::broken(const char* what) {
  device_.mark_needs_reset(fmt::format("queue {}: {}", index_, what));
  return false;
}

bool VirtQueue::usable() {
  if (!state_.enabled || !device_.operating()) return false;
  if (mapped_ && generation_ == device_.transport().dma_space().generation()) return true;
  return map_rings();
}

bool VirtQueue::map_rings() {
  AddressSpace& space = device_.transport().dma_space();
  const u64 generation = space.generation();
  const std::shared_ptr<const FlatView> view = space.view();
  device_.keep_memory(index_, VirtioDevice::Kept::Rings, view);
  mapped_ =
      map_ring(*view, descriptors_, state_.descriptor_area, u64{state_.size} * sizeof(Descriptor),
               16, false, "the descriptor table is not in RAM, or not aligned") &&
      map_ring(*view, avail_, state_.driver_area, kRingEntries + 2 * u64{state_.size} + 2, 2, false,
               "the available ring is not in RAM, or not aligned") &&
      map_ring(*view, used_, state_.device_area,
               kRingEntries + kUsedEntrySize * u64{state_.size} + 2, 4, true,
               "the used ring is not in RAM, or not aligned");
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

bool VirtQueue::empty() { return !usable() || avail_index() == state_.next_avail; }

bool VirtQueue::pop(VirtElement& element) {
  if (!usable()) return false;
  const u16 index = avail_index();
  if (index == state_.next_avail) return false;
  if (static_cast<u16>(index - state_.next_avail) > state_.size)
    return broken("the available index ran away");
  if (in_flight_ >= state_.size) return broken("more buffers are available than the queue has");
  const u16 head = load16(avail_.host + kRingEntries + 2 * (state_.next_avail % state_.size));
  element.clear();
  element.head = head;
  if (!collect(head, element)) return false;
  ++state_.next_avail;
  ++in_flight_;
  return true;
}

void VirtQueue::put_back() {
  --state_.next_avail;
  --in_flight_;
  device_.let_go_of_last(index_);
}

void VirtQueue::push(const VirtElement& element, u32 written) {
  push_with_next(element, written);
  if (!usable()) return;
  report_used(kRingIndex, 2);
  store16(used_.host + kRingIndex, state_.next_used, std::memory_order_release);
  report_used(kRingIndex, 2);
  state_.pushed = true;
}

void VirtQueue::push_with_next(const VirtElement& element, u32 written) {
  if (in_flight_ != 0) --in_flight_;
  if (!usable()) return device_.let_go_of_memory(index_, element.head);
  // The pages were reported before they were written; guest code may have run from them since, or a
  // log of writes been read. Of a request that failed, more than `written` may be.
  for (std::size_t i = 0; i < element.in.size(); ++i)
    element.in_places[i].block->about_to_write(element.in_places[i].offset, element.in[i].iov_len);
  device_.let_go_of_memory(index_, element.head);
  const unsigned at = kRingEntries + kUsedEntrySize * (state_.next_used % state_.size);
  report_used(at, kUsedEntrySize);
  store32(used_.host + at, element.head);
  store32(used_.host + at + 4, written);
  report_used(at, kUsedEntrySize);
  ++state_.next_used;
}

// [virtio-1.2 §2.7.7.2 "Device Requirements: Used Buffer Notification Suppression", 2.7.10]
bool VirtQueue::driver_wants_interrupt() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
  if (!device_.has_feature(kEventIdx))
    return (load16(avail_.host + kRingFlags) & kAvailNoInterrupt) == 0;
  const u16 before = state_.signalled_used;
  const bool valid = state_.signalled_valid;
  state_.signalled_used = state_.next_used;
  state_.signalled_valid = true;
  const u16 used_event = load16(avail_.host + kRingEntries + 2 * state_.size);
  return !valid || static_cast<u16>(state_.next_used - used_event - 1) <
                       static_cast<u16>(state_.next_used - before);
}

void VirtQueue::notify() {
  if (!state_.pushed || !usable()) return;
  state_.pushed = false;
  if (driver_wants_interrupt()) device_.notify_queue(index_);
}

// [virtio-1.2 §2.7.10 "Available Buffer Notification Suppression"]
void VirtQueue::set_notification(bool enabled) {
  if (!usable()) return;
  if (!device_.has_feature(kEventIdx))
    store_used16(kRingFlags, enabled ? 0 : kUsedNoNotify);
  else if (enabled)
    store_used16(kRingEntries + kUsedEntrySize * state_.size, state_.next_avail);
  // The driver's index is looked at again after this: one of the two sees the other's write.
  if (enabled) std::atomic_thread_fence(std::memory_order_seq_cst);
}

void VirtQueue::store_used16(unsigned offset, u16 value) {
  report_used(offset, 2);
  store16(used_.host + offset, value);
  report_used(offset, 2);
}

// Before the write, for code that was translated from there; and after it, since a log of writes
// may have been read in between by who holds the machine lock, which an I/O thread does not.
void VirtQueue::report_used(unsigned offset, unsigned size) {
  used_.block->about_to_write(used_.offset + offset, size);
}

void VirtQueue::serve_later() { device_.kick_later(*this); }

}  // namespace backplane
