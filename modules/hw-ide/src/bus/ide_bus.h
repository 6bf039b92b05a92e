// SPDX-License-Identifier: MIT
// An IDE channel: two drives that share a cable. What the host writes reaches both, what it reads
// comes from the one that is selected. [ATA/ATAPI-7 volume 2 "Register delivered command protocol"]
//
// Everything is called under the machine lock.
#pragma once

#include <array>
#include <span>

#include "backplane/device.h"
#include "backplane/types.h"

namespace backplane::ide {

class IdeDrive;

// What a channel is connected to.
class IdeAdapter {
 public:
  // INTRQ of the channel, as the selected drive drives it.
  virtual void set_intrq(unsigned channel, bool level) = 0;
  // Moves data between the selected drive and memory. Bytes moved: fewer than there are if the
  // adapter was not told to, or has no more room; it calls IdeBus::dma_started() when it is again.
  virtual std::size_t transfer(unsigned channel, std::span<u8> data, bool to_memory) = 0;

 protected:
  ~IdeAdapter() = default;
};

class IdeBus final : public Bus {
  BACKPLANE_OBJECT(IdeBus, Bus, "IDE")
 public:
  static constexpr unsigned kDrives = 2;

  // Which drive is selected, the drives say.
  static void class_init(ObjectClass& k) { k.stateless(); }

  // Before the first drive. The adapter outlives the bus.
  void connect(IdeAdapter& adapter, unsigned channel);

  unsigned number() const { return channel_; }

  // Offset in the command block; data registers are read_data() and write_data().
  u8 read(unsigned offset);
  void write(unsigned offset, u8 value);
  // 2 or 4 bytes at once.
  u32 read_data(unsigned size);
  void write_data(u32 value, unsigned size);
  // The control block.
  u8 alternate_status() const;
  void write_control(u8 value);
  // The adapter is ready to move data.
  void dma_started();
  // It was told to stop: what the selected drive has under way with its host ends before.
  void dma_stopped();

  void reset() override;
  void loaded() override;
  void plug(Device& device) override;
  void unplug(Device& device) override;
  bool has_room() const override;

  // --- for drives ------------------------------------------------------------------------------
  void update_intrq();
  std::size_t transfer(std::span<u8> data, bool to_memory) {
    return adapter_->transfer(channel_, data, to_memory);
  }
  bool is_selected(const IdeDrive& drive) const { return selected() == &drive; }
  const IdeDrive* other(const IdeDrive& drive) const;

 private:
  IdeDrive* selected() const { return drives_[selected_]; }
  // Who answers: of two drives the selected one, else the one that is there; null if none is.
  IdeDrive* answering() const;
  bool is_empty() const { return drives_[0] == nullptr && drives_[1] == nullptr; }

  IdeAdapter* adapter_ = nullptr;
  unsigned channel_ = 0;
  std::array<IdeDrive*, kDrives> drives_{};
  unsigned selected_ = 0;  // as the drives were told
};

}  // namespace backplane::ide
