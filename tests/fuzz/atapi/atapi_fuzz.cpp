// SPDX-License-Identifier: MIT
// Packets of the bytes' choice for CD drives, with discs of any size that come and go. What is read
// has to lie on the disc, and no answer is longer than the host has room for.
#include <array>

#include "../input.h"
#include "mmc/optical_drive.h"

namespace backplane::fuzz {
namespace {

using mmc::OpticalDrive;

constexpr u8 kOperations[] = {0x00, 0x03, 0x12, 0x1a, 0x1b, 0x1e, 0x25, 0x28, 0x2b, 0x43,
                              0x46, 0x4a, 0x51, 0x52, 0x5a, 0xa8, 0xad, 0xbb, 0xbd, 0xbe};

void run(Input input) {
  OpticalDrive drive("FUZZ", "1", OpticalDrive::Interface::Atapi);
  u32 blocks = 0;
  bool there = false;
  while (!input.empty()) {
    const u8 what = input.take<u8>();
    if (what % 16 == 0) {
      there = what / 16 % 4 != 0;
      blocks = 1 + (input.take<u32>() >> input.take<u8>() % 32) % 0xffff'fffe;
      drive.set_disc(there ? std::optional(blocks) : std::nullopt, what / 64 % 2 == 0);
      continue;
    }
    if (what % 16 == 1) drive.reset();
    std::array<u8, OpticalDrive::kPacketSize> packet;
    for (u8& byte : packet) byte = input.take<u8>() % 2 == 0 ? u8{0} : input.take<u8>();
    if (what % 16 != 2) packet[0] = kOperations[input.take<u8>() % std::size(kOperations)];
    const OpticalDrive::Reply reply = drive.execute(packet);
    drive.set_sense(reply.sense);
    if (reply.blocks != 0) {
      if (!there || reply.first_block >= blocks || reply.blocks > blocks - reply.first_block)
        __builtin_trap();
      if (!reply.data.empty()) __builtin_trap();
    }
    if (reply.sense != mmc::kNoSense && (!reply.data.empty() || reply.blocks != 0))
      __builtin_trap();
    if (reply.data.size() > 0xffff) __builtin_trap();
  }
}

}  // namespace
}  // namespace backplane::fuzz

extern "C" int LLVMFuzzerTestOneInput(const backplane::u8* data, std::size_t size) {
  backplane::fuzz::run({data, size});
  return 0;
}
