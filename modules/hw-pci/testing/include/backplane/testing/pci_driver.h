// SPDX-License-Identifier: MIT
// The software's side of a PCI function, for tests: configuration space through ports 0xcf8 and
// 0xcfc, capabilities, BARs.
#pragma once

#include <vector>

#include "backplane/machine.h"
#include "backplane/types.h"

namespace backplane::testing {

class PciDriver {
 public:
  // The function on bus 0 of a machine with a PCI host bridge.
  PciDriver(Machine& machine, unsigned slot, unsigned function = 0);

  Machine& machine() const { return machine_; }

  u8 read8(unsigned offset) { return static_cast<u8>(read(offset, 1)); }
  u16 read16(unsigned offset) { return static_cast<u16>(read(offset, 2)); }
  u32 read32(unsigned offset) { return read(offset, 4); }
  void write8(unsigned offset, u8 value) { write(offset, value, 1); }
  void write16(unsigned offset, u16 value) { write(offset, value, 2); }
  void write32(unsigned offset, u32 value) { write(offset, value, 4); }

  bool present() { return read16(0) != 0xffff; }
  // Offset of the first capability with this id after `after` (0: from the start); 0: none.
  unsigned find_capability(u8 id, unsigned after = 0);

  // What writing ones into a BAR says of its size; 0: there is none. Leaves the BAR as it was.
  u64 bar_size(unsigned index);
  // Where the BAR's registers point.
  u64 bar_address(unsigned index);
  void set_bar(unsigned index, u64 address);
  // Gives every BAR an address, memory ones from `memory` and I/O ones from `io` upwards, and
  // turns decoding and bus mastering on.
  void assign_bars(u64 memory, u16 io);

  // Enables MSI-X; vector i stores `first_data + i` at `address + 4 * i`.
  void enable_msix(u64 address, u32 first_data);
  void mask_vector(unsigned vector, bool masked);
  bool vector_pending(unsigned vector);

 private:
  u32 read(unsigned offset, unsigned size);
  void write(unsigned offset, u32 value, unsigned size);
  void select(unsigned offset);
  u64 msix_table();

  Machine& machine_;
  unsigned slot_;
  unsigned function_;
};

}  // namespace backplane::testing
