// SPDX-License-Identifier: MIT
#include "expansion_rom.h"

#include <algorithm>
#include <string_view>

namespace backplane {

namespace {

constexpr std::size_t kHeaderSize = 0x1c, kUnit = 512;
// In the header: the size in units, a byte that nothing else uses, and where the data structure is.
constexpr std::size_t kImageSize = 2, kSpare = 6, kDataPointer = 0x18;
// In the data structure.
constexpr std::string_view kSignature = "PCIR";
constexpr std::size_t kVendor = 4, kDevice = 6, kDataSize = 0x18;

u16 word(std::span<const u8> bytes, std::size_t at) {
  return static_cast<u16>(bytes[at] | bytes[at + 1] << 8);
}

}  // namespace

void claim_expansion_rom(std::span<u8> rom, u16 vendor, u16 device) {
  if (rom.size() < kHeaderSize || rom[0] != 0x55 || rom[1] != 0xaa) return;
  const std::size_t data = word(rom, kDataPointer);
  if (rom[kImageSize] * kUnit > rom.size() || data + kDataSize > rom.size() ||
      !std::equal(kSignature.begin(), kSignature.end(), rom.begin() + static_cast<long>(data)))
    return;
  // The bytes of the image sum up to zero.
  u8 change = 0;
  const auto put = [&](std::size_t at, u8 value) {
    change += static_cast<u8>(value - rom[at]);
    rom[at] = value;
  };
  put(data + kVendor, static_cast<u8>(vendor));
  put(data + kVendor + 1, static_cast<u8>(vendor >> 8));
  put(data + kDevice, static_cast<u8>(device));
  put(data + kDevice + 1, static_cast<u8>(device >> 8));
  rom[kSpare] = static_cast<u8>(rom[kSpare] - change);
}

}  // namespace backplane
