// SPDX-License-Identifier: MIT
// The 256 bytes of a function's configuration space: contents, which bits the guest may write,
// which it clears by writing one, and the capability list.
//
// The set functions are the device's side and ignore the masks; write() is the guest's. All under
// the machine lock.
#pragma once

#include <array>

#include "backplane/error.h"
#include "backplane/pci/version.h"
#include "backplane/state.h"
#include "backplane/types.h"

namespace backplane {

class PciConfigSpace {
 public:
  static constexpr unsigned kSize = 256;

  u8 get8(unsigned offset) const { return data_.at(offset); }
  u16 get16(unsigned offset) const { return static_cast<u16>(get(offset, 2)); }
  u32 get32(unsigned offset) const { return get(offset, 4); }
  void set8(unsigned offset, u8 value) { data_.at(offset) = value; }
  void set16(unsigned offset, u16 value) { put(data_, offset, value, 2); }
  void set32(unsigned offset, u32 value) { put(data_, offset, value, 4); }

  // Which bits a guest's write changes; nothing is writable at first.
  void set_writable8(unsigned offset, u8 mask) { writable_.at(offset) = mask; }
  void set_writable16(unsigned offset, u16 mask) { put(writable_, offset, mask, 2); }
  void set_writable32(unsigned offset, u32 mask) { put(writable_, offset, mask, 4); }
  u32 writable32(unsigned offset) const;
  // Which bits a guest clears by writing one.
  void set_write_one_to_clear8(unsigned offset, u8 mask) { clearable_.at(offset) = mask; }
  void set_write_one_to_clear16(unsigned offset, u16 mask) { put(clearable_, offset, mask, 2); }

  // The guest's accesses: 1, 2 or 4 bytes anywhere; what lies beyond the end reads as ones and
  // swallows writes.
  u32 read(unsigned offset, unsigned size) const;
  void write(unsigned offset, u32 value, unsigned size);

  // Adds a capability of `size` bytes in front of the list and returns its offset (a multiple of
  // four); its id and link are set, the rest is zero and read-only. Throws Error if the space is
  // full. [PCI §6.7 "Capabilities List"]
  unsigned add_capability(u8 id, unsigned size);
  // The offset of the first capability with this id, or 0.
  unsigned find_capability(u8 id) const;

  // Back to the contents before the guest's first write.
  void reset();
  // Its contents, as state of a device.
  static std::span<const StateMember> members();
  // Whether what was loaded is a function of this kind: the header's and the capabilities' fixed
  // bytes, which others follow, are those of reset. Throws Error if they are not.
  void check_loaded() const;

 private:
  using Bytes = std::array<u8, kSize>;
  static void put(Bytes& bytes, unsigned offset, u32 value, unsigned size);
  u32 get(unsigned offset, unsigned size) const;
  void keep_defaults();

  Bytes data_{};
  Bytes writable_{};
  Bytes clearable_{};
  Bytes defaults_{};
  bool defaults_kept_ = false;
  unsigned capabilities_end_ = 0x40;
};

}  // namespace backplane
