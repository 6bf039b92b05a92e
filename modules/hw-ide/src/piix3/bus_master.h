// SPDX-License-Identifier: MIT
// One channel's bus master: moves a drive's data to and from the pieces of memory that a table
// lists. [Intel "Programming Interface for Bus Master IDE Controller" 1.0]
#pragma once

#include <span>

#include "backplane/pci/pci_device.h"
#include "backplane/state.h"
#include "bus/ide_bus.h"

namespace backplane::ide {

class BusMaster {
 public:
  static constexpr unsigned kPorts = 8;

  // The device through which it reaches memory, and the channel that is told when it starts.
  void connect(PciDevice& device, IdeBus& channel) {
    device_ = &device;
    channel_ = &channel;
  }

  // Offsets in the channel's 8 ports; 1, 2 or 4 bytes, aligned.
  u32 read(unsigned offset, unsigned size) const;
  void write(unsigned offset, u32 value, unsigned size);
  // What the channel's interrupt is.
  void set_intrq(bool level);
  void reset() { state_ = {}; }
  // See IdeAdapter.
  std::size_t transfer(std::span<u8> data, bool to_memory);

  static std::span<const StateMember> members();

 private:
  struct State {
    u8 command = 0;
    u8 status = 0;
    u32 table = 0;    // as written
    u32 entry = 0;    // address of the next descriptor
    u32 address = 0;  // in the present one: where to go on, and how far
    u32 left = 0;
    bool last = false;
    bool intrq = false;
    static std::span<const StateMember> members();
  };

  void write_command(u8 value);
  bool next_descriptor();
  void end(u8 status_bits);

  PciDevice* device_ = nullptr;
  IdeBus* channel_ = nullptr;
  State state_;
};

}  // namespace backplane::ide
