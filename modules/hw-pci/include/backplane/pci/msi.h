// SPDX-License-Identifier: MIT
// Message-signalled interrupts: the MSI and MSI-X capabilities of a function.
// [PCI §6.8 "Message Signaled Interrupts"]
//
// A message is a 4-byte store into guest-physical memory by the device: it needs bus mastering.
// All under the machine lock.
#pragma once

#include <memory>
#include <vector>

#include "backplane/memory.h"
#include "backplane/pci/version.h"
#include "backplane/state.h"
#include "backplane/types.h"

namespace backplane {

class MessageSignal;
class PciDevice;

// What is stored, and where. [PCI §6.8.1.3 "Message Address", 6.8.1.5 "Message Data"]
struct MsiMessage {
  u64 address = 0;  // guest-physical
  u32 data = 0;
  static std::span<const StateMember> members();
};

// 64-bit MSI with 1 to 32 vectors and per-vector masking.
class PciMsi {
 public:
  // Adds the capability. `vectors` is a power of two up to 32.
  PciMsi(PciDevice& device, unsigned vectors);

  bool enabled() const;
  // Vectors that software allocated.
  unsigned allocated() const;
  // Sends the vector's message, or keeps it pending while it is masked. Ignored while disabled.
  // A vector beyond those allocated falls back to the last one.
  void notify(unsigned vector);
  // What notify() would send now.
  MsiMessage message(unsigned vector) const;

  // After a guest's write to configuration space: sends what became unmasked.
  void config_written(unsigned offset, unsigned size);

 private:
  PciDevice& device_;
  unsigned vectors_;
  unsigned offset_;
};

// MSI-X with its table and pending bits in a BAR.
class PciMsix {
 public:
  static constexpr unsigned kMaxVectors = 2048;

  // Adds the capability, and BAR `bar` (32-bit memory) holding nothing but table and PBA.
  PciMsix(PciDevice& device, unsigned bar, unsigned vectors);
  ~PciMsix();

  unsigned vectors() const { return static_cast<unsigned>(table_.size()); }
  bool enabled() const { return enabled_; }
  // Sends the vector's message, or sets its pending bit while it is masked. Ignored while
  // disabled and for a vector that does not exist.
  void notify(unsigned vector);
  bool masked(unsigned vector) const;
  bool pending(unsigned vector) const { return table_.at(vector).pending; }
  // Takes a pending bit back, when what it announced is gone.
  void clear_pending(unsigned vector) { table_.at(vector).pending = false; }
  MsiMessage message(unsigned vector) const;

  void config_written(unsigned offset, unsigned size);
  void reset();
  static std::span<const StateMember> members();
  // Takes over from the capability what was loaded there.
  void loaded();

 private:
  struct Entry {
    MsiMessage message;
    u32 control = 1;  // masked at reset
    bool pending = false;
    // What sends the message, where the accelerator has such a thing; else it is written to memory.
    std::unique_ptr<MessageSignal> signal;
    bool signal_current = false;  // it sends this message
    static std::span<const StateMember> members();
  };
  u64 read(u64 offset, unsigned size);
  void write(u64 offset, u64 value, unsigned size);
  void read_control();
  void send(Entry& entry);
  void send_if_unmasked(unsigned vector);

  PciDevice& device_;
  std::vector<Entry> table_;
  unsigned offset_ = 0;
  u64 pba_offset_ = 0;
  bool enabled_ = false;
  bool function_masked_ = false;
  bool signals_available_ = true;  // until the accelerator says otherwise
};

}  // namespace backplane
