// SPDX-License-Identifier: MIT
// The modern interface: BAR 4. [virtio-1.2 §4.1.4.3 "Common configuration structure layout" to
// 4.1.4.6 "Device-specific configuration"]
#include <array>
#include <span>

#include "backplane/virtio/virtio_pci.h"

namespace backplane {

using namespace virtio;

// The driver's notifications and its looking for interrupts wait for nobody; the rest does not
// happen while queues are being served.
u64 VirtioPci::modern_read(u64 offset, unsigned size) {
  const unsigned at = static_cast<unsigned>(offset % kSectionSize);
  switch (offset - at) {
    case kCommonOffset: {
      const VirtioDevice::QueueLock lock(device_);
      return common_read(at, size);
    }
    case kIsrOffset:
      return at == 0 ? read_isr() : 0;
    case kDeviceOffset: {
      const VirtioDevice::QueueLock lock(device_);
      return device_.config_read(at, size);
    }
    default:
      return 0;
  }
}

void VirtioPci::modern_write(u64 offset, u64 value, unsigned size) {
  const unsigned at = static_cast<unsigned>(offset % kSectionSize);
  switch (offset - at) {
    case kCommonOffset: {
      const VirtioDevice::QueueLock lock(device_);
      common_write(at, static_cast<u32>(value), size);
      break;
    }
    case kDeviceOffset: {
      const VirtioDevice::QueueLock lock(device_);
      device_.config_write(at, static_cast<u32>(value), size);
      break;
    }
    case kNotifyOffset:
      kick(at / kNotifyMultiplier);
      break;
    default:
      break;
  }
}

u32 VirtioPci::common_read(unsigned offset, unsigned size) const {
  std::array<u8, kCommonCfgSize> bytes{};
  const std::span<u8> image(bytes);
  const auto half = [](u64 features, u32 select) {
    return select < 2 ? static_cast<u32>(features >> (32 * select)) : 0;
  };
  put_config<u32>(image, kDeviceFeatureSelect, state_.device_feature_select);
  put_config<u32>(image, kDeviceFeature,
                  half(device_.host_features(), state_.device_feature_select));
  put_config<u32>(image, kDriverFeatureSelect, state_.driver_feature_select);
  put_config<u32>(image, kDriverFeature,
                  half(state_.driver_features, state_.driver_feature_select));
  put_config<u16>(image, kConfigMsixVector, state_.config_vector);
  put_config<u16>(image, kNumQueues, static_cast<u16>(device_.queue_count()));
  put_config<u8>(image, kDeviceStatus, device_.status());
  put_config<u8>(image, kConfigGeneration, device_.config_generation());
  put_config<u16>(image, kQueueSelect, state_.queue_select);
  // The fields of a queue that does not exist read as zero, its size above all.
  if (const VirtQueue* queue = selected_queue(); queue != nullptr) {
    put_config<u16>(image, kQueueSize, queue->size());
    put_config<u16>(image, kQueueMsixVector, state_.queue_vectors[state_.queue_select]);
    put_config<u16>(image, kQueueEnable, queue->enabled() ? 1 : 0);
    put_config<u16>(image, kQueueNotifyOff, state_.queue_select);
    put_config<u64>(image, kQueueDesc, queue->descriptor_area());
    put_config<u64>(image, kQueueDriver, queue->driver_area());
    put_config<u64>(image, kQueueDevice, queue->device_area());
  }
  u32 value = 0;
  for (unsigned i = 0; i < size && offset + i < image.size(); ++i)
    value |= static_cast<u32>(image[offset + i]) << (8 * i);
  return value;
}

// Each field has one width; a driver that uses another has its value cut to it.
void VirtioPci::common_write(unsigned offset, u32 value, unsigned /*size*/) {
  VirtQueue* queue = selected_queue();
  switch (offset) {
    case kDeviceFeatureSelect:
      state_.device_feature_select = value;
      break;
    case kDriverFeatureSelect:
      state_.driver_feature_select = value;
      break;
    case kDriverFeature:
      if (state_.driver_feature_select < 2) {
        const unsigned shift = 32 * state_.driver_feature_select;
        state_.driver_features =
            (state_.driver_features & ~(u64{0xffff'ffff} << shift)) | u64{value} << shift;
        device_.set_guest_features(state_.driver_features);
      }
      break;
    case kConfigMsixVector:
      state_.config_vector = valid_vector(value & 0xffff);
      break;
    case kDeviceStatus:
      write_status(static_cast<u8>(value));
      break;
    case kQueueSelect:
      state_.queue_select = static_cast<u16>(value);
      break;
    case kQueueSize:
      if (queue != nullptr) queue->set_size(static_cast<u16>(value));
      break;
    case kQueueMsixVector:
      if (queue != nullptr)
        state_.queue_vectors[state_.queue_select] = valid_vector(value & 0xffff);
      break;
    case kQueueEnable:
      if (queue != nullptr && (value & 0xffff) == 1) queue->enable();
      break;
    default:
      set_queue_area_half(offset, value);
      break;
  }
}

void VirtioPci::set_queue_area_half(unsigned offset, u32 value) {
  VirtQueue* queue = selected_queue();
  if (queue == nullptr || offset < kQueueDesc || offset >= kCommonCfgSize || offset % 4 != 0)
    return;
  std::array<u64, 3> areas{queue->descriptor_area(), queue->driver_area(), queue->device_area()};
  u64& area = areas[(offset - kQueueDesc) / 8];
  const unsigned shift = offset % 8 == 0 ? 0 : 32;
  area = (area & ~(u64{0xffff'ffff} << shift)) | u64{value} << shift;
  queue->set_areas(areas[0], areas[1], areas[2]);
}

}  // namespace backplane
