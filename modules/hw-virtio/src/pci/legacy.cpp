// SPDX-License-Identifier: MIT
// The legacy interface: BAR 0, I/O ports. [virtio-1.2 §4.1.4.10 "Legacy Interfaces: A Note on PCI
// Device Layout", 2.7.2 "Legacy Interfaces: A Note on Virtqueue Layout"]
#include "backplane/virtio/virtio_pci.h"

namespace backplane {

using namespace virtio;

namespace {

constexpr u64 align_up(u64 value, u64 to) { return (value + to - 1) / to * to; }

}  // namespace

unsigned VirtioPci::legacy_config_offset() const {
  return msix() != nullptr && msix()->enabled() ? kLegacyConfigMsix : kLegacyConfig;
}

u64 VirtioPci::legacy_read(u64 offset, unsigned size) {
  if (offset == kLegacyIsrStatus) return read_isr();
  const VirtioDevice::QueueLock lock(device_);
  const VirtQueue* queue = selected_queue();
  const unsigned config = legacy_config_offset();
  if (offset >= config) return device_.config_read(static_cast<unsigned>(offset) - config, size);
  switch (offset) {
    case kLegacyDeviceFeatures:
      return static_cast<u32>(device_.host_features());
    case kLegacyDriverFeatures:
      return static_cast<u32>(device_.guest_features());
    case kLegacyQueueAddress:
      return queue != nullptr ? static_cast<u32>(queue->descriptor_area() / kLegacyQueueAlign) : 0;
    case kLegacyQueueSize:
      return queue != nullptr ? queue->max_size() : 0;
    case kLegacyQueueSelect:
      return state_.queue_select;
    case kLegacyDeviceStatus:
      return device_.status();
    case kLegacyConfigVector:
      return state_.config_vector;
    case kLegacyQueueVector:
      return queue != nullptr ? state_.queue_vectors[state_.queue_select] : kNoVector;
    default:
      return 0;
  }
}

void VirtioPci::legacy_write(u64 offset, u64 value, unsigned size) {
  const u32 word = static_cast<u32>(value);
  if (offset == kLegacyQueueNotify) return kick(word & 0xffff);
  const VirtioDevice::QueueLock lock(device_);
  const unsigned config = legacy_config_offset();
  if (offset >= config) {
    device_.config_write(static_cast<unsigned>(offset) - config, word, size);
    return;
  }
  switch (offset) {
    case kLegacyDriverFeatures:
      // A legacy driver has no way to be refused: it gets what is there.
      device_.set_guest_features(word & static_cast<u32>(device_.host_features()));
      break;
    case kLegacyQueueAddress:
      set_legacy_queue_address(word);
      break;
    case kLegacyQueueSelect:
      state_.queue_select = static_cast<u16>(word);
      break;
    case kLegacyDeviceStatus:
      write_status(static_cast<u8>(word));
      break;
    case kLegacyConfigVector:
      state_.config_vector = valid_vector(word & 0xffff);
      break;
    case kLegacyQueueVector:
      if (selected_queue() != nullptr)
        state_.queue_vectors[state_.queue_select] = valid_vector(word & 0xffff);
      break;
    default:
      break;
  }
}

void VirtioPci::set_legacy_queue_address(u32 page) {
  if (page == 0) {
    // Drivers write zero to every queue's address to give the device up.
    device_.reset();
    reset_transport();
    return;
  }
  VirtQueue* queue = selected_queue();
  if (queue == nullptr) return;
  const u64 descriptors = u64{page} * kLegacyQueueAlign;
  const u64 driver = descriptors + sizeof(Descriptor) * u64{queue->size()};
  const u64 driver_end = driver + 4 + 2 * u64{queue->size()} + 2;
  queue->set_areas(descriptors, driver, align_up(driver_end, kLegacyQueueAlign));
  queue->enable();
}

}  // namespace backplane
