// SPDX-License-Identifier: MIT
// The assembled pc machine under a guest that reads and writes anything at any port and at the
// chipset's memory, while time passes. Nothing may crash, hang or leave the machine unusable.
#include "../input.h"
#include "board/pc_board.h"

namespace backplane::fuzz {
namespace {

using pc::testing::PcBoard;

// Where chips answer; random ports hardly ever meet them.
constexpr u16 kPorts[] = {0x20,  0x21,  0xa0,  0xa1,  0x4d0, 0x4d1, 0x40,  0x41,  0x42,
                          0x43,  0x60,  0x61,  0x64,  0x70,  0x71,  0x80,  0x92,  0xb2,
                          0x3f8, 0x3f9, 0x3fa, 0x3fb, 0x3fc, 0x3fd, 0x3fe, 0x3ff, 0x510,
                          0x511, 0x514, 0x518, 0x600, 0x602, 0x604, 0x608, 0x60c, 0x60e,
                          0xcf8, 0xcf9, 0xcfc, 0xcfe, 0xf4};
constexpr u64 kMemory[] = {0xfec00000, 0xfec00010, 0xfec00040, 0xfed00000, 0xfed00010, 0xfed00020,
                           0xfed000f0, 0xfed00100, 0xfed00108, 0xfed00120, 0xfed00128, 0xfed00140,
                           0xfed00148, 0xfee00000, 0xfee000b0, 0xfee00300, 0xc0000000, 0x1000,
                           0xa0000,    0xe0000,    0xffffffff};

class Null final : public Chardev {
 public:
  Null() : Chardev("null") {}
  void write(const u8*, std::size_t) override {}
  std::string describe() const override { return "null"; }
};

void access(AddressSpace& space, u64 address, u8 how, u64 value) {
  const u64 size = u64{1} << (how & 3);
  if ((how & 4) != 0)
    space.write(address, &value, size);
  else
    space.read(address, &value, size);
}

void run(Input input) {
  Null terminal;
  PcBoard board(4_MiB, 2);
  board.machine().config().serials.push_back(&terminal);
  board.init();
  board.machine().add_device("isa-debug-exit", "", "", {{"iobase", "0xf4"}});
  board.power_on();
  while (!input.empty()) {
    const u8 how = input.take<u8>();
    const u16 where = input.take<u16>();
    const u64 value = input.take<u32>() | (how & 8 ? u64{input.take<u32>()} << 32 : 0);
    switch (how >> 5) {
      case 0:
        access(board.machine().io(), where, how, value);
        break;
      case 1:
      case 2:
      case 3:
        access(board.machine().io(), kPorts[where % std::size(kPorts)], how, value);
        break;
      case 4:
      case 5:
        access(board.machine().memory(), kMemory[where % std::size(kMemory)] + (value & 0x10), how,
               value);
        break;
      case 6:
        board.advance_time(static_cast<i64>(where) << (how & 7));
        break;
      default:
        for (u8 n = 0; n < 4; ++n) access(board.machine().io(), 0x3f8 + (where & 7), how, value);
        break;
    }
  }
  // It still answers, and resets.
  board.machine().reset();
  if (board.config_read(0, 0) != 0x12378086) __builtin_trap();
  board.machine().memory().store<u32>(0x1000, 0x12345678);
  if (board.machine().memory().load<u32>(0x1000) != 0x12345678) __builtin_trap();
}

}  // namespace
}  // namespace backplane::fuzz

extern "C" int LLVMFuzzerTestOneInput(const backplane::u8* data, std::size_t size) {
  backplane::fuzz::run(backplane::fuzz::Input(data, size));
  return 0;
}
