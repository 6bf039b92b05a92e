// SPDX-License-Identifier: MIT
// The bus between a virtio device and the transport that shows it to the guest. All under the
// machine lock.
#pragma once

#include "backplane/device.h"
#include "backplane/memory.h"
#include "backplane/room.h"
#include "backplane/virtio/version.h"

namespace backplane {

class VirtioDevice;

// The transport's side: how a device reaches the guest.
class VirtioTransport {
 public:
  // Used buffers were added to a queue and the driver wants to know.
  virtual void notify_queue(unsigned queue) = 0;
  // The device's configuration, or its status, changed.
  virtual void notify_config() = 0;
  // Guest memory as the device reaches it, and whether it may now. With the lock of the loop that
  // the device is served in, alone or inside the machine lock.
  virtual AddressSpace& dma_space() = 0;
  virtual bool dma_allowed() const = 0;
  // Feature bits that the transport adds.
  virtual u64 transport_features() const = 0;
  // The device is realized: its queues, features and configuration are known. Throws Error.
  virtual void device_plugged(VirtioDevice& device) = 0;
  virtual void device_unplugged(VirtioDevice& device) = 0;

 protected:
  ~VirtioTransport() = default;
};

// Holds one device.
class VirtioBus : public Bus {
  BACKPLANE_OBJECT(VirtioBus, Bus, "virtio-bus")
 public:
  static void class_init(ObjectClass& k) { k.stateless(); }
  void connect(VirtioTransport& transport) { transport_ = &transport; }
  VirtioTransport& transport() const { return *transport_; }

  void plug(Device& device) override;
  bool has_room() const override { return devices().empty(); }

 private:
  VirtioTransport* transport_ = nullptr;
  [[maybe_unused]] Room<4> room_;
};

}  // namespace backplane
