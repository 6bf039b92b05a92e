// SPDX-License-Identifier: MIT
// virtio-input: what a keyboard, a mouse and a tablet have in common. A driver learns from the
// configuration what a device can say, and then is sent events. [virtio-1.2 §5.8 "Input Device"]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backplane/input.h"
#include "backplane/subscription.h"
#include "backplane/virtio/virtio_device.h"
#include "input_regs.h"

namespace backplane {

class VirtioInput : public VirtioDevice, public InputDevice {
  BACKPLANE_OBJECT(VirtioInput, VirtioDevice, "virtio-input-device")
 public:
  static void class_init(VirtioDeviceClass& k);

  unsigned config_size() const override { return virtio_input::kConfigSize; }
  void realize();
  void unrealize();
  std::string describe() const override;

  bool listens() const override { return driver_ok() && operating(); }
  void sync() override;

 protected:
  // Codes of one kind of event: bit n is code n.
  class Bits {
   public:
    explicit Bits(std::span<u8> bytes) : bytes_(bytes) {}
    void add(unsigned code) { bytes_[code / 8] |= static_cast<u8>(1U << (code % 8)); }

   private:
    std::span<u8> bytes_;
  };
  // What it can say, and be told.
  virtual void fill_codes(u8 type, Bits& codes) const = 0;
  virtual std::span<const u8> absolute_axes() const { return {}; }
  virtual u16 product() const = 0;

  // Sent with the next sync().
  void report(u16 type, u16 code, i32 value);

  u64 device_features() const override { return 0; }
  void fill_config(std::span<u8> image) const override;
  void config_written(unsigned offset, u32 value, unsigned size) override;

 private:
  struct Event {
    u16 type = 0;
    u16 code = 0;
    u32 value = 0;
    static std::span<const StateMember> members();
  };
  // A guest that does not look misses what comes behind so many.
  static constexpr std::size_t kMostEvents = 512;

  void send();
  void take_status(VirtQueue& queue);
  // Of the configuration's union; returns how many bytes it has.
  std::size_t fill_union(std::span<u8> bytes) const;

  std::string serial_;
  struct State {
    u8 select = 0;
    u8 subsel = 0;
    u8 leds = 0;                // bit n: LED n
    std::vector<Event> events;  // that wait for buffers
  };
  State state_;
  std::vector<Event> said_;  // since the last sync()
  // One that stands still may be being saved: its memory does not change.
  bool stands_still_ = false;
  Subscription run_state_;
  VirtElement element_;
};

}  // namespace backplane
