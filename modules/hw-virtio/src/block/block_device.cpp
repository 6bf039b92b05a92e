// SPDX-License-Identifier: MIT
// The disk as the driver finds it: properties, features, configuration.
#include "block/block_device.h"

#include <algorithm>
#include <bit>

#include "backplane/error.h"
#include "backplane/machine.h"

namespace backplane {

using namespace virtio_block;

BACKPLANE_REGISTER(VirtioBlock, .category = "Storage", .description = "Disk")

namespace {

constexpr u32 kMaxRangeSectors = 1U << 22;  // 2 GiB in one discard or write-zeroes
constexpr u32 kMaxRangeSegments = 32;
constexpr u32 kMaxAutoQueues = 8;

}  // namespace

void VirtioBlock::class_init(VirtioDeviceClass& k) {
  k.virtio_id = virtio::kIdBlock;
  k.property<&VirtioBlock::drive_>("drive", "id of the -drive or -blockdev behind the disk");
  k.property<&VirtioBlock::iothread_>("iothread",
                                      "id of the -object iothread that serves its queues");
  k.property<&VirtioBlock::serial_>("serial", "serial number, up to 20 bytes");
  k.property<&VirtioBlock::bootindex_>("bootindex", "its place when firmware boots (-1: none)");
  k.property<&VirtioBlock::on_read_error_>("rerror",
                                           "what is done if the host cannot read (auto: report)");
  k.property<&VirtioBlock::on_write_error_>("werror",
                                            "what is done if the host cannot write (auto: enospc)");
  k.property<&VirtioBlock::write_cache_>(
      "write-cache", "off: what is written is on the host's disk when it completes (auto: on)");
  k.property<&VirtioBlock::num_queues_>("num-queues", "queues (auto: one a CPU)");
  k.property<&VirtioBlock::queue_size_>("queue-size", "entries of a queue, a power of two");
  k.property<&VirtioBlock::discard_>("discard", "offer the discard request");
  k.property<&VirtioBlock::write_zeroes_>("write-zeroes", "offer the write-zeroes request");
  k.property<&VirtioBlock::config_wce_>("config-wce", "let the guest switch the write cache");
  k.state<&VirtioBlock::state_>(1, {member<&State::write_back>("write_back"),
                                    member<&State::held>("held", up_to(kMostHeld))});
}

std::span<const StateMember> VirtioBlock::Held::members() {
  static const StateMember kMembers[] = {
      member<&Held::queue>("queue"),
      member<&Held::head>("head"),
  };
  return kMembers;
}

void VirtioBlock::realize() {
  if (!drive_) throw Error("drive is not set; name the id of a -drive or -blockdev with drive=ID");
  if (serial_.size() > kIdSize)
    throw Error::of("serial={}: has {} bytes; at most {} fit", serial_, serial_.size(), kIdSize);
  if (!std::has_single_bit(queue_size_) || queue_size_ < 4 || queue_size_ > VirtQueue::kMaxChain)
    throw Error::of("queue-size={}: expects a power of two from 4 to {}", queue_size_,
                    VirtQueue::kMaxChain);
  const auto cpus = static_cast<u32>(machine().cpus().size());
  const u32 queues = num_queues_.value_or(std::clamp<u32>(cpus, 1, kMaxAutoQueues));
  if (queues == 0 || queues > kMaxQueues)
    throw Error::of("num-queues={}: expects 1 to {}", queues, kMaxQueues);
  if (iothread_) serve_in(*iothread_);
  disk_ = std::make_unique<BlockQueue>(
      machine(), *drive_,
      BlockQueueSettings{.on_error = {.read = on_read_error_, .write = on_write_error_},
                         .write_through = !has_write_cache()},
      io_context());
  for (u32 i = 0; i < queues; ++i)
    add_queue(queue_size_, [this](VirtQueue& queue) { serve(queue); });
  state_.write_back = has_write_cache();
}

void VirtioBlock::unrealize() {
  stop_serving();
  if (disk_ != nullptr) disk_->drain();
  disk_.reset();
  requests_.clear();
  free_requests_.clear();
}

// What the driver gave up on must not touch its memory later.
void VirtioBlock::reset() {
  const QueueLock lock(*this);
  if (disk_ != nullptr && free_requests_.size() != requests_.size()) disk_->drain();
  VirtioDevice::reset();
  state_.write_back = has_write_cache();
}

void VirtioBlock::settle() {
  if (disk_ != nullptr) disk_->settle();
}

// Those that are left wait for the machine to go on, because the host failed at them.
void VirtioBlock::saving() {
  const QueueLock lock(*this);
  VirtioDevice::saving();
  state_.held.clear();
  for (const auto& request : requests_)
    if (request->queue != nullptr)
      state_.held.push_back({static_cast<u16>(request->queue->index()), request->element.head});
}

void VirtioBlock::loaded() {
  const QueueLock lock(*this);
  VirtioDevice::loaded();
  for (const Held& held : state_.held) {
    VirtQueue* const at = queue(held.queue);
    Request& request = take_request();
    if (at == nullptr || !at->take_again(held.head, request.element) ||
        request.element.out_size < sizeof(RequestHeader) || request.element.in_size < 1)
      throw Error::of("held: queue {} has no request at {}", held.queue, held.head);
    request.queue = at;
    request.held = true;
    start(request);
  }
}

std::string VirtioBlock::describe() const {
  const std::string device = VirtioDevice::describe();
  return disk_ != nullptr ? fmt::format("{}, {}, {}", device, drive_->describe(), disk_->describe())
                          : device;
}

void VirtioBlock::disk_size_changed() {
  if (realized()) notify_config();
}

u64 VirtioBlock::device_features() const {
  u64 features = virtio::bit(kSegMax) | virtio::bit(kGeometry) | virtio::bit(kBlkSize) |
                 virtio::bit(kTopology) | virtio::bit(kFlush);
  if (config_wce_) features |= virtio::bit(kConfigWce);
  if (queue_count() > 1) features |= virtio::bit(kMultiQueue);
  if (drive_->read_only()) return features | virtio::bit(kReadOnly);
  if (discard_) features |= virtio::bit(kDiscard);
  if (write_zeroes_) features |= virtio::bit(kWriteZeroes);
  return features;
}

void VirtioBlock::fill_config(std::span<u8> image) const {
  constexpr u32 kHeadCount = 16;
  constexpr u32 kSectorCount = 63;
  const u64 cylinders = std::min<u64>(capacity() / (kHeadCount * kSectorCount), 65535);
  put_config<u64>(image, kCapacity, capacity());
  put_config<u32>(image, kSegMaxField,
                  queue_size_ - 2U);  // less the header's and the status byte's
  put_config<u16>(image, kCylinders, static_cast<u16>(cylinders));
  put_config<u8>(image, kHeads, kHeadCount);
  put_config<u8>(image, kSectors, kSectorCount);
  put_config<u32>(image, kBlkSizeField, static_cast<u32>(kSectorSize));
  put_config<u16>(image, kMinIoSize, 1);
  put_config<u8>(image, kWriteback, state_.write_back ? 1 : 0);
  put_config<u16>(image, kNumQueues, static_cast<u16>(queue_count()));
  put_config<u32>(image, kMaxDiscardSectors, kMaxRangeSectors);
  put_config<u32>(image, kMaxDiscardSeg, kMaxRangeSegments);
  put_config<u32>(image, kDiscardSectorAlignment, 1);
  put_config<u32>(image, kMaxWriteZeroesSectors, kMaxRangeSectors);
  put_config<u32>(image, kMaxWriteZeroesSeg, kMaxRangeSegments);
  put_config<u8>(image, kWriteZeroesMayUnmap, 1);
}

void VirtioBlock::config_written(unsigned offset, u32 value, unsigned size) {
  if (offset == kWriteback && size == 1 && has_feature(kConfigWce))
    state_.write_back = (value & 1) != 0;
}

// [virtio-1.2 §5.2.5.2 "Device Requirements: Device Initialization", the WCE and FLUSH features]
bool VirtioBlock::write_through() const {
  if (!has_write_cache()) return false;  // the queue does it
  if (has_feature(kConfigWce)) return !state_.write_back;
  return !has_feature(kFlush);
}

bool VirtioBlock::in_bounds(u64 sector, u64 sectors) const {
  return sector <= capacity() && sectors <= capacity() - sector;
}

}  // namespace backplane
