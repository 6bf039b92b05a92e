// SPDX-License-Identifier: MIT
// The driver's side of a device, for tests: its registers by offset.
#pragma once

#include "backplane/memory.h"

namespace backplane::testing {

class RegisterDriver {
 public:
  // The device's registers begin at `base` of memory or of the port space.
  RegisterDriver(AddressSpace& space, u64 base) : space_(space), base_(base) {}

  u8 read8(u64 offset) { return space_.load<u8>(base_ + offset); }
  u16 read16(u64 offset) { return space_.load<u16>(base_ + offset); }
  u32 read32(u64 offset) { return space_.load<u32>(base_ + offset); }
  u64 read64(u64 offset) { return space_.load<u64>(base_ + offset); }
  void write8(u64 offset, u8 value) { space_.store(base_ + offset, value); }
  void write16(u64 offset, u16 value) { space_.store(base_ + offset, value); }
  void write32(u64 offset, u32 value) { space_.store(base_ + offset, value); }
  void write64(u64 offset, u64 value) { space_.store(base_ + offset, value); }

 private:
  AddressSpace& space_;
  u64 base_;
};

}  // namespace backplane::testing
