// SPDX-License-Identifier: MIT
// What virtio devices derive from: features, status, queues and configuration, whatever the
// transport. [virtio-1.2 §2 "Basic Facilities of a Virtio Device", 3 "General Initialization"]
//
// All under the machine lock. A device may have its queues served in an I/O thread: they, and what
// is about them here, are then used with that one's lock, alone or inside the machine lock.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "backplane/clock.h"
#include "backplane/device.h"
#include "backplane/io_context.h"
#include "backplane/log.h"
#include "backplane/room.h"
#include "backplane/subscription.h"
#include "backplane/virtio/version.h"
#include "backplane/virtio/virtio_bus.h"
#include "backplane/virtio/virtio_regs.h"
#include "backplane/virtio/virtqueue.h"

namespace backplane {

struct VirtioDeviceClass : DeviceClass {
  VirtioDeviceClass() = default;
  explicit VirtioDeviceClass(const DeviceClass& parent) : DeviceClass(parent) {}

  u16 virtio_id = 0;  // virtio::DeviceId
  Room<4> room;
};

// A device without its transport: a derived class says what it is (virtio_id, features,
// configuration) and adds its queues; the transport, which is the bus that it sits on, carries what
// the driver does to it.
class VirtioDevice : public Device {
  BACKPLANE_OBJECT(VirtioDevice, Device, "virtio-device")
 public:
  using Class = VirtioDeviceClass;
  static constexpr unsigned kMaxQueues = 256;
  static constexpr unsigned kMaxConfigSize = 256;

  static void class_init(VirtioDeviceClass& k);
  VirtioDevice();
  ~VirtioDevice() override;

  const VirtioDeviceClass& virtio_class() const {
    return static_cast<const VirtioDeviceClass&>(object_class());
  }

  // A device looks at its properties and adds queues in its own realize(); then the bus is told
  // that it is plugged.
  void realize();
  // Its features are settled, and the transport shows it to the driver.
  void realized_all();
  // The transport lets go of it; what it was doing has ended.
  void unrealize();
  // A device reset: by the machine, or by the driver writing 0 to the status. An override calls
  // its parent's last.
  void reset() override;
  void loaded() override;
  std::string describe() const override;

  // --- for the transport -----------------------------------------------------------------------
  // What is offered to the driver, from realized_all() on, and what that has accepted; bit n is
  // feature n. [virtio-1.2 §2.2]
  u64 host_features() const { return host_features_; }
  u64 guest_features() const { return state_.guest_features; }
  // What the driver accepts; ignored once FEATURES_OK is set.
  void set_guest_features(u64 features);
  u8 status() const { return state_.status; }
  // The driver wrote the status. Writing 0 resets; FEATURES_OK is refused (stays clear) if the
  // features do not suit. [virtio-1.2 §2.1, 2.2]
  void set_status(u8 status);
  // Another one whenever the configuration has changed by itself. [virtio-1.2 §2.5]
  u8 config_generation() const { return state_.config_generation; }
  // Queues 0 to queue_count() - 1; null for another.
  unsigned queue_count() const { return static_cast<unsigned>(queues_.list.size()); }
  VirtQueue* queue(unsigned index) const {
    return index < queues_.list.size() ? queues_.list[index].get() : nullptr;
  }
  // Accesses of 1, 2 or 4 bytes to the device's configuration. Beyond its end: zero, ignored.
  u32 config_read(unsigned offset, unsigned size) const;
  void config_write(unsigned offset, u32 value, unsigned size);
  // Lets every queue look for buffers: now, or soon from the main loop.
  void kick_all();
  void kick_all_later();
  // Lets one look soon, in the loop that serves it.
  void kick_later(VirtQueue& queue);

  // Bytes of configuration.
  virtual unsigned config_size() const = 0;

  // --- for queues and devices ------------------------------------------------------------------
  bool has_feature(unsigned bit) const { return (state_.guest_features >> bit & 1) != 0; }
  bool driver_ok() const { return (state_.status & virtio::kDriverOk) != 0; }
  // True while queues may be served.
  bool operating() const;
  // The driver broke the rules: nothing is served until it resets the device. Says so once.
  void mark_needs_reset(std::string_view why);
  bool needs_reset() const { return state_.needs_reset; }
  VirtioTransport& transport() const { return static_cast<VirtioBus&>(*bus()).transport(); }
  // The loop in which its queues are served: the machine's main loop, or an I/O thread.
  IoContext& io_context() const;
  bool has_io_thread() const { return serving_ != nullptr; }
  // Holds the lock that its queues are used with, for a scope in which the machine lock is held.
  class QueueLock {
   public:
    explicit QueueLock(const VirtioDevice& device) {
      if (device.serving_ != nullptr) guard_.emplace(device.serving_->thread);
    }

   private:
    std::optional<IoContext::Guard> guard_;
  };
  // Whether a kick is to be served now. An I/O thread rests while the machine is stopped, since
  // nobody would notice there that the machine is being saved.
  bool takes_kicks() const { return serving_ == nullptr || !serving_->resting; }
  // Used buffers were added to a queue, and the driver wants to know.
  void notify_queue(unsigned queue);
  // What an I/O thread uses of a queue lies in memory that this view has: it stays as long as the
  // view does, which is until the next one is kept.
  enum class Kept : unsigned { Rings, Buffers };
  void keep_memory(unsigned queue, Kept kept, const std::shared_ptr<const FlatView>& view);
  // The same of the chain that a queue has popped at `head`, whatever loop that was in: until it is
  // let go of, or the device is reset. False: one that was popped there is held still.
  bool hold_memory(unsigned queue, u16 head, const std::shared_ptr<const FlatView>& view);
  void let_go_of_memory(unsigned queue, u16 head);
  // Of the chain that was popped last, and not put back yet.
  void let_go_of_last(unsigned queue);

 protected:
  // The device's own feature bits (0 to 23 and 50 to 127).
  virtual u64 device_features() const = 0;
  // Writes the configuration, config_size() bytes, into a zeroed image.
  virtual void fill_config(std::span<u8> image) const = 0;
  // The driver wrote `size` bytes at `offset`, inside the configuration.
  virtual void config_written(unsigned /*offset*/, u32 /*value*/, unsigned /*size*/) {}
  // The driver set DRIVER_OK.
  virtual void driver_started() {}

  // The next queue, in realize(). The device owns it; `handler` is called while operating(). Throws
  // Error if it has kMaxQueues.
  VirtQueue& add_queue(u16 max_size, VirtQueue::Handler handler);
  // In realize(), before queues are added: the loop to serve them in. It outlives this device's
  // time as a realized one. Throws Error where time follows the instructions executed.
  void serve_in(IoContext& thread);
  // First in unrealize(): what serve_in() began has ended.
  void stop_serving();
  // The configuration changed by itself: a new generation, and a notification.
  void notify_config();

 private:
  bool indirect_desc_ = true;
  bool event_idx_ = true;
  u64 host_features_ = 0;
  struct State {
    u64 guest_features = 0;
    u8 status = 0;
    u8 config_generation = 0;
    bool needs_reset = false;
  };
  State state_;
  VirtQueues queues_;
  std::unique_ptr<Timer> kick_timer_;
  struct Serving {
    IoContext& thread;
    bool resting = true;
    Subscription run_state;
    std::vector<std::array<std::shared_ptr<const FlatView>, 2>> memory;  // of each queue
  };
  // Runs fn under the machine lock, now or soon.
  template <class Fn>
  void with_machine(Fn fn) {
    if (serving_ == nullptr) return fn();
    serving_->thread.with_machine(std::move(fn));
  }
  std::unique_ptr<Serving> serving_;  // null: in the main loop
  // While it is served in an I/O thread: for what was posted there. With the queues' lock.
  std::shared_ptr<const bool> served_;
  // What is held of each queue's memory, by the heads of chains, and the last of these in the order
  // in which they were popped. With the queues' lock.
  struct HeldMemory;
  std::unique_ptr<HeldMemory> held_;
};

// Writes a little-endian number into a configuration image.
template <class T>
void put_config(std::span<u8> image, unsigned offset, T value) {
  for (unsigned i = 0; i < sizeof(T) && offset + i < image.size(); ++i)
    image[offset + i] = static_cast<u8>(static_cast<u64>(value) >> (8 * i));
}

}  // namespace backplane
