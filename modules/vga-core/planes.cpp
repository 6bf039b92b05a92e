// SPDX-License-Identifier: MIT
#include "planes.h"

#include <cstring>
#include <optional>

namespace backplane::vga {

namespace {

// A nibble, of which each bit fills the byte of its plane.
constexpr u32 spread(u8 planes) {
  u32 bytes = 0;
  for (unsigned plane = 0; plane < 4; ++plane)
    if ((planes >> plane & 1) != 0) bytes |= u32{0xff} << (8 * plane);
  return bytes;
}
constexpr u32 in_each(u8 byte) { return byte * 0x01010101U; }

// Where in memory an address of the window is, before planes are chosen.
std::optional<u32> address_of(const Registers& r, u32 offset) {
  switch (r.graphics[kMiscellaneous] >> 2 & 3) {
    case 0:
      return offset + r.bank_offset();
    case 1:
      if (offset >= 0x10000) return std::nullopt;
      return offset + r.bank_offset();
    case 2:
      if (offset < 0x10000 || offset >= 0x18000) return std::nullopt;
      return offset - 0x10000;
    default:
      if (offset < 0x18000) return std::nullopt;
      return offset - 0x18000;
  }
}

u32 load(const RamBlock& memory, u64 at) {
  u32 value = 0;
  std::memcpy(&value, memory.host() + at, sizeof value);
  return value;
}

// Byte addresses of a group of planes, and of one byte, inside of memory.
u64 group(const RamBlock& memory, u32 address) { return u64{address} * 4 & (memory.size() - 1); }
u64 byte(const RamBlock& memory, u32 address) { return address & (memory.size() - 1); }

void store_byte(RamBlock& memory, u64 at, u8 value) {
  memory.about_to_write(at, 1);
  memory.host()[at] = value;
}

u32 combine(const Registers& r, u32 value) {
  switch (r.graphics[kDataRotate] >> 3 & 3) {
    case 1:
      return value & r.latch;
    case 2:
      return value | r.latch;
    case 3:
      return value ^ r.latch;
    default:
      return value;
  }
}

u8 rotated(const Registers& r, u8 value) {
  const unsigned by = r.graphics[kDataRotate] & 7;
  return static_cast<u8>(value >> by | value << (8 - by));
}

// What the four planes get, by write mode.
u32 planes_of(const Registers& r, u8 value) {
  u32 mask = in_each(r.graphics[kBitMask]);
  u32 planes = 0;
  switch (r.graphics[kGraphicsMode] & 3) {
    case 0: {
      const u32 set = spread(r.graphics[kEnableSetReset]);
      planes = (in_each(rotated(r, value)) & ~set) | (spread(r.graphics[kSetReset]) & set);
      break;
    }
    case 1:
      return r.latch;
    case 2:
      planes = spread(value & 0x0f);
      break;
    default:
      mask &= in_each(rotated(r, value));
      planes = spread(r.graphics[kSetReset]);
      break;
  }
  return (combine(r, planes) & mask) | (r.latch & ~mask);
}

}  // namespace

u8 read_window(Registers& r, const RamBlock& memory, u32 offset) {
  const std::optional<u32> found = address_of(r, offset);
  if (!found) return 0xff;
  const u32 address = *found;
  if (r.chain4()) return memory.host()[byte(memory, address)];
  if ((r.graphics[kGraphicsMode] & kOddEven) != 0) {
    const u32 plane = (r.graphics[kReadMap] & 2) | (address & 1);
    return memory.host()[byte(memory, (address & ~u32{1}) << 1 | plane)];
  }
  r.latch = load(memory, group(memory, address));
  if ((r.graphics[kGraphicsMode] & kReadMode1) == 0)
    return static_cast<u8>(r.latch >> (8 * (r.graphics[kReadMap] & 3)));
  const u32 differs =
      (r.latch ^ spread(r.graphics[kColourCompare])) & spread(r.graphics[kColourDontCare]);
  return static_cast<u8>(~(differs | differs >> 8 | differs >> 16 | differs >> 24));
}

void write_window(Registers& r, RamBlock& memory, u32 offset, u8 value) {
  const std::optional<u32> found = address_of(r, offset);
  if (!found) return;
  const u32 address = *found;
  const u8 map = r.sequencer[kMapMask];
  if (r.chain4()) {
    if ((map >> (address & 3) & 1) != 0) store_byte(memory, byte(memory, address), value);
  } else if ((r.graphics[kGraphicsMode] & kOddEven) != 0) {
    // Each of the two planes that have the address' lowest bit.
    for (u32 plane = address & 1; plane < 4; plane += 2)
      if ((map >> plane & 1) != 0)
        store_byte(memory, byte(memory, (address & ~u32{1}) << 1 | plane), value);
  } else {
    const u64 at = group(memory, address);
    const u32 written = spread(map);
    const u32 planes = (load(memory, at) & ~written) | (planes_of(r, value) & written);
    memory.about_to_write(at, sizeof planes);
    std::memcpy(memory.host() + at, &planes, sizeof planes);
  }
}

}  // namespace backplane::vga
