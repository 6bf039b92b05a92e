// SPDX-License-Identifier: MIT
// virtio-balloon: memory that the guest gives back to the host.
// [virtio-1.2 §5.5 "Traditional Memory Balloon Device"]
#pragma once

#include <array>
#include <memory>
#include <optional>

#include "backplane/clock.h"
#include "backplane/command.h"
#include "backplane/virtio/virtio_device.h"
#include "balloon/balloon_regs.h"

namespace backplane {

class VirtioBalloon final : public VirtioDevice, public CommandProvider {
  BACKPLANE_OBJECT(VirtioBalloon, VirtioDevice, "virtio-balloon-device")
 public:
  static void class_init(VirtioDeviceClass& k);

  void reset() override;
  void saving() override;
  void loaded() override;
  unsigned config_size() const override { return virtio_balloon::kConfigSize; }

  // Bytes of RAM that the guest has now: its RAM less what the balloon holds.
  u64 actual() const;
  // Asks the guest to inflate or deflate until it has `bytes`, at most the machine's RAM. It
  // follows in its own time.
  void set_target(u64 bytes);
  // The guest's memory statistics by name, as it gave them.
  Value::Record statistics() const;
  // The same as QEMU's guest-stats has it: all there can be, and when they came.
  Value statistics_for_programs() const;

  std::span<const Command> commands() const override;
  std::span<const EventType* const> events() const override;

  // Seconds between two requests for statistics; 0: none.
  u32 polling_interval() const { return polling_interval_; }
  void set_polling_interval(u32 seconds);

  void realize();
  void unrealize();

 protected:
  u64 device_features() const override;
  void fill_config(std::span<u8> image) const override;
  void config_written(unsigned offset, u32 value, unsigned size) override;
  void driver_started() override;

 private:
  u64 ram_size() const;
  // Once a second at most: guests inflate in small steps.
  void report_change();
  void tell_change();

  // Inflation and reporting.
  void inflate(VirtQueue& queue);
  void deflate(VirtQueue& queue);
  void report(VirtQueue& queue);
  void take_pages(const VirtElement& element);
  // Gives the RAM of [address, address+size) to the host; false if some of it is not RAM.
  bool give_back(u64 address, u64 size);

  // Statistics.
  void statistics_arrived(VirtQueue& queue);
  void ask_for_statistics();
  void read_statistics(const VirtElement& element);

  bool deflate_on_oom_ = false;
  bool free_page_reporting_ = false;
  u32 polling_interval_ = 0;

  struct State {
    u32 num_pages = 0;  // what the host asks for
    u32 actual = 0;     // what the guest says it gave
    std::array<std::optional<u64>, virtio_balloon::kStatCount> statistics{};
    std::optional<u16> held;  // the head of the request for statistics that is held
  };
  State state_;
  VirtQueue* statistics_queue_ = nullptr;
  VirtElement statistics_request_;  // held until the next request
  bool statistics_held_ = false;
  std::unique_ptr<Timer> statistics_timer_;
  i64 statistics_time_ = 0;  // ns of the host's clock; 0: none have come
  std::unique_ptr<Timer> change_timer_;
  bool changed_ = false;  // since it was told

  VirtElement element_;
};

}  // namespace backplane
