// SPDX-License-Identifier: MIT
#include "expansion_rom.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace backplane {
namespace {

std::vector<u8> rom() {
  std::vector<u8> bytes(1024, 0);
  bytes[0] = 0x55;
  bytes[1] = 0xaa;
  bytes[2] = 1;
  bytes[0x18] = 0x1c;
  const std::vector<u8> data{'P', 'C', 'I', 'R', 0xf4, 0x1a, 0x41, 0x10};
  std::copy(data.begin(), data.end(), bytes.begin() + 0x1c);
  bytes[6] = static_cast<u8>(0 - std::accumulate(bytes.begin(), bytes.begin() + 512, 0u));
  return bytes;
}

TEST(ExpansionRom, SaysThatItIsForTheDeviceAndSumsUpToZero) {
  std::vector<u8> bytes = rom();
  claim_expansion_rom(bytes, 0x1af4, 0x1000);
  EXPECT_EQ(bytes[0x20] | bytes[0x21] << 8, 0x1af4);
  EXPECT_EQ(bytes[0x22] | bytes[0x23] << 8, 0x1000);
  EXPECT_EQ(std::accumulate(bytes.begin(), bytes.begin() + 512, 0u) & 0xff, 0u);
}

TEST(ExpansionRom, IsLeftAloneIfItIsNone) {
  for (const std::size_t at : {0u, 1u, 0x18u, 0x1cu}) {
    std::vector<u8> bytes = rom();
    bytes[at] ^= 0xff;
    const std::vector<u8> before = bytes;
    claim_expansion_rom(bytes, 1, 2);
    EXPECT_EQ(bytes, before) << at;
  }
  std::vector<u8> cut = rom();
  cut.resize(0x1e);
  claim_expansion_rom(cut, 1, 2);
  claim_expansion_rom({}, 1, 2);
  std::vector<u8> far = rom();
  far[0x18] = far[0x19] = 0xff;
  claim_expansion_rom(far, 1, 2);
}

}  // namespace
}  // namespace backplane
