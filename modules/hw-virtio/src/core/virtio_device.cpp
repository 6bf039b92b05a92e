// SPDX-License-Identifier: MIT
#include "backplane/virtio/virtio_device.h"

#include <array>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "held_memory.h"

namespace backplane {

using namespace virtio;

BACKPLANE_REGISTER_ABSTRACT(VirtioDevice, .bus = VirtioBus::kTypeName, .category = "Misc",
                            .description = "A virtio device, without its transport")

void VirtioDevice::class_init(VirtioDeviceClass& k) {
  k.property<&VirtioDevice::indirect_desc_>("indirect_desc",
                                            "offer descriptors kept in tables of their own");
  k.property<&VirtioDevice::event_idx_>("event_idx", "offer notification by index (fewer of them)");
  k.state<&VirtioDevice::state_>(
      1, {member<&State::guest_features>("guest_features"), member<&State::status>("status"),
          member<&State::config_generation>("config_generation"),
          member<&State::needs_reset>("needs_reset")});
  k.state<&VirtioDevice::queues_>(1, "queues");
}

struct VirtioDevice::HeldMemory {
  std::vector<QueueMemory> queues;

  QueueMemory& of(unsigned queue) {
    if (queues.size() <= queue) queues.resize(queue + std::size_t{1});
    return queues[queue];
  }
};

VirtioDevice::VirtioDevice() = default;
VirtioDevice::~VirtioDevice() = default;

void VirtioDevice::realize() {
  kick_timer_ = std::make_unique<Timer>(machine().realtime_clock(), [this] { kick_all(); });
}

void VirtioDevice::realized_all() {
  host_features_ = device_features() | transport().transport_features();
  if (indirect_desc_) host_features_ |= bit(kIndirectDesc);
  if (event_idx_) host_features_ |= bit(kEventIdx);
  transport().device_plugged(*this);
}

void VirtioDevice::unrealize() {
  stop_serving();
  transport().device_unplugged(*this);
  serving_.reset();
  held_.reset();
  kick_timer_.reset();
  queues_.list.clear();
}

IoContext& VirtioDevice::io_context() const {
  return serving_ != nullptr ? serving_->thread : machine().main_loop().io_context();
}

// An interrupt that was left to be raised is part of what the machine is when it has stopped.
void VirtioDevice::serve_in(IoContext& thread) {
  if (machine().virtual_clock().follows_instructions())
    throw Error("iothread: where instructions are counted, devices are served in the guest's time",
                "leave iothread= or -icount out");
  served_ = std::make_shared<const bool>(true);
  const bool runs = machine().run_control().state() == RunState::Running;
  serving_ = std::make_unique<Serving>(Serving{.thread = thread, .resting = !runs});
  serving_->run_state = machine().run_control().on_change([this](bool running) {
    const QueueLock lock(*this);
    serving_->resting = !running;
    if (running)
      kick_all();
    else
      serving_->thread.run_kept();
  });
}

void VirtioDevice::stop_serving() {
  if (serving_ == nullptr) return;
  serving_->run_state = {};
  const QueueLock lock(*this);
  serving_->resting = true;
  served_.reset();
  serving_->thread.run_kept();
}

// Nothing goes while the main loop serves, with the machine lock.
void VirtioDevice::keep_memory(unsigned queue, Kept kept,
                               const std::shared_ptr<const FlatView>& view) {
  if (serving_ == nullptr) return;
  if (serving_->memory.size() <= queue) serving_->memory.resize(queue_count());
  serving_->memory[queue][static_cast<unsigned>(kept)] = view;
}

bool VirtioDevice::hold_memory(unsigned queue, u16 head,
                               const std::shared_ptr<const FlatView>& view) {
  if (held_ == nullptr) held_ = std::make_unique<HeldMemory>();
  return held_->of(queue).hold(head, view);
}

void VirtioDevice::let_go_of_memory(unsigned queue, u16 head) {
  if (held_ != nullptr) held_->of(queue).let_go(head);
}

void VirtioDevice::let_go_of_last(unsigned queue) {
  if (held_ != nullptr) held_->of(queue).let_go_of_last();
}

void VirtioDevice::notify_queue(unsigned queue) {
  with_machine([this, queue] { transport().notify_queue(queue); });
}

void VirtioDevice::reset() {
  const QueueLock lock(*this);
  if (kick_timer_) kick_timer_->cancel();
  Device::reset();
  held_.reset();
}

// Buffers may have been added without a kick that was served.
void VirtioDevice::loaded() {
  const QueueLock lock(*this);
  Device::loaded();
  held_.reset();
  if ((state_.guest_features & ~host_features_) != 0 && (state_.status & kFeaturesOk) != 0)
    throw Error::of("features {:#x} are in use, of which this device has {:#x}",
                    state_.guest_features, host_features_);
  for (const auto& queue : queues_.list) queue->loaded();
  if (driver_ok()) kick_all_later();
}

std::string VirtioDevice::describe() const {
  const QueueLock lock(*this);
  return fmt::format("{} queues, status {:#04x}, features {:#x} of {:#x}", queue_count(),
                     state_.status, state_.guest_features, host_features_);
}

void VirtioDevice::set_guest_features(u64 features) {
  if ((state_.status & kFeaturesOk) == 0) state_.guest_features = features;
}

void VirtioDevice::set_status(u8 status) {
  log::print(LogCategory::Virtio, "{}: status {:#04x} -> {:#04x}, features {:#x}", type_name(),
             state_.status, status, state_.guest_features);
  if (status == 0) {
    reset();
    return;
  }
  const u8 before = state_.status;
  if ((status & kFeaturesOk) != 0 && (before & kFeaturesOk) == 0) {
    const bool unknown = (state_.guest_features & ~host_features_) != 0;
    const bool legacy = (host_features_ & bit(kVersion1)) != 0 && !has_feature(kVersion1);
    if (unknown || legacy) {
      guest_error("driver asks for features {:#x} of {:#x}", state_.guest_features, host_features_);
      status = static_cast<u8>(status & ~kFeaturesOk);
    }
  }
  state_.status = static_cast<u8>(status | (before & kDeviceNeedsReset));
  if ((state_.status & kDriverOk) != 0 && (before & kDriverOk) == 0) {
    driver_started();
    kick_all();
  }
}

u32 VirtioDevice::config_read(unsigned offset, unsigned size) const {
  std::array<u8, kMaxConfigSize> image{};
  const unsigned length = config_size();
  fill_config(std::span(image).first(length));
  u32 value = 0;
  for (unsigned i = 0; i < size && offset + i < length; ++i)
    value |= static_cast<u32>(image[offset + i]) << (8 * i);
  return value;
}

void VirtioDevice::config_write(unsigned offset, u32 value, unsigned size) {
  const unsigned length = config_size();
  if (offset >= length || size > length - offset) return;
  config_written(offset, value, size);
}

void VirtioDevice::kick_all() {
  const QueueLock lock(*this);
  for (const auto& queue : queues_.list) queue->kick();
}

void VirtioDevice::kick_all_later() {
  with_machine([this] {
    if (kick_timer_) kick_timer_->arm_in(0);
  });
}

void VirtioDevice::kick_later(VirtQueue& queue) {
  if (serving_ == nullptr) return kick_all_later();
  serving_->thread.post([&queue, served = std::weak_ptr(served_)] {
    if (!served.expired()) queue.kick();
  });
}

// A legacy driver may use its queues before it says DRIVER_OK.
// [virtio-1.2 §3.1.1 "Driver Requirements: Device Initialization", 3.1.2 "Legacy Interface"]
bool VirtioDevice::operating() const {
  if (state_.needs_reset || !transport().dma_allowed()) return false;
  return driver_ok() || !has_feature(kVersion1);
}

void VirtioDevice::mark_needs_reset(std::string_view why) {
  if (state_.needs_reset) return;
  state_.needs_reset = true;
  guest_error("{}; the device waits for a reset", why);
  if (!has_feature(kVersion1)) return;
  state_.status |= kDeviceNeedsReset;
  if (driver_ok()) notify_config();
}

VirtQueue& VirtioDevice::add_queue(u16 max_size, VirtQueue::Handler handler) {
  if (queues_.list.size() >= kMaxQueues)
    throw Error::of("{}: a virtio device has at most {} queues", type_name(), kMaxQueues);
  queues_.list.push_back(
      std::make_unique<VirtQueue>(*this, queue_count(), max_size, std::move(handler)));
  return *queues_.list.back();
}

void VirtioDevice::notify_config() {
  with_machine([this] {
    const QueueLock lock(*this);
    ++state_.config_generation;
    if (driver_ok()) transport().notify_config();
  });
}

}  // namespace backplane
