// SPDX-License-Identifier: MIT
// virtio-serial: a bus of ports, each with a queue either way, and control queues over which driver
// and device tell each other of them. [virtio-1.2 §5.3 "Console Device"]
#pragma once

#include <memory>
#include <vector>

#include "backplane/subscription.h"
#include "backplane/virtio/virtio_device.h"
#include "serial_regs.h"

namespace backplane {

class SerialPort;
class VirtioSerial;

class SerialBus final : public Bus {
  BACKPLANE_OBJECT(SerialBus, Bus, "virtio-serial-bus")
 public:
  static void class_init(ObjectClass& k) { k.stateless(); }

  void connect(VirtioSerial& device) { device_ = &device; }
  VirtioSerial& device() const { return *device_; }

  void plug(Device& device) override;
  void unplug(Device& device) override;
  bool has_room() const override;
  void hot_plugged(Device& device) override;
  void request_unplug(Device& device) override;

 private:
  VirtioSerial* device_ = nullptr;
};

class VirtioSerial final : public VirtioDevice {
  BACKPLANE_OBJECT(VirtioSerial, VirtioDevice, "virtio-serial-device")
 public:
  static void class_init(VirtioDeviceClass& k);

  unsigned config_size() const override { return virtio_console::kConfigSize; }
  void realize();
  void unrealize();

  // --- for ports -------------------------------------------------------------------------------
  unsigned max_ports() const { return max_ports_; }
  // Null: there is none of that number.
  SerialPort* port(unsigned number) const;
  VirtQueue& receive_queue(unsigned port) const {
    return *queue(virtio_console::receive_queue_of(port));
  }
  VirtQueue& transmit_queue(unsigned port) const {
    return *queue(virtio_console::receive_queue_of(port) + 1);
  }
  // The driver knows of more than the first port.
  bool multiport() const { return has_feature(virtio_console::kMultiport); }
  // Tells the driver, as soon as it has a buffer for it. Nothing before it is ready.
  void tell(unsigned port, virtio_console::ControlEvent event, u16 value);
  void port_gone(unsigned port);

 protected:
  u64 device_features() const override;
  void fill_config(std::span<u8> image) const override;
  void config_written(unsigned offset, u32 value, unsigned size) override;

 private:
  // A message that waits for a buffer of the driver's.
  struct Message {
    u32 port = 0;
    u16 event = 0;
    u16 value = 0;
    static std::span<const StateMember> members();
  };
  static constexpr std::size_t kMostMessages = 256;

  void queue_kicked(VirtQueue& queue);
  void take_control(VirtQueue& queue);
  void handle(const virtio_console::Control& control);
  void send_messages();

  u32 max_ports_ = 31;
  SerialBus* ports_ = nullptr;
  struct State {
    bool driver_ready = false;
    std::vector<Message> waiting;
  };
  State state_;
  VirtElement element_;  // from the driver
  VirtElement message_;  // to it, while one from it is handled
  Subscription run_state_;
};

}  // namespace backplane
