// SPDX-License-Identifier: MIT
// The assembled pc machine under a guest that reads and writes anything at any port and at the
// chipset's memory, while time passes. Nothing may crash, hang or leave the machine unusable.
#include <random>

#include "../input.h"
#include "backplane/chardev.h"
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

void access(AddressSpace& space, u64 address, u8 how, u64 value) {
  const u64 size = u64{1} << (how & 3);
  if ((how & 4) != 0)
    space.write(address, &value, size);
  else
    space.read(address, &value, size);
}

// One step of the guest, or of time.
struct Step {
  u8 how;
  u16 where;
  u64 value;
};

void take_step(PcBoard& board, const Step& step) {
  const auto [how, where, value] = step;
  AddressSpace& io = board.machine().io();
  switch (how >> 5) {
    case 0:
      access(io, where, how, value);
      break;
    case 1:
    case 2:
    case 3:
      access(io, kPorts[where % std::size(kPorts)], how, value);
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
      for (unsigned n = 0; n < 4; ++n)
        access(io, static_cast<u16>(0x3f8 + (where & 7)), how, value);
      break;
  }
}

// The input's own steps, and then as many random ones that follow from them: short inputs go deep
// too.
void run(Input input) {
  constexpr unsigned kMoreSteps = 300;
  PcBoard board(4_MiB, 2);
  Machine& machine = board.machine();
  auto& backends = machine.add_child("backends", std::make_unique<Backends>(machine));
  backends.add(kChardevKind, "null", "serial0", {});
  board.init();
  machine.add_device("isa-serial", "", "", {{"chardev", "serial0"}});
  board.machine().add_device("isa-debug-exit", "", "", {{"iobase", "0xf4"}});
  board.power_on();
  u64 seed = 1;
  while (!input.empty()) {
    const Step step{input.take<u8>(), input.take<u16>(), input.take<u64>()};
    seed = seed * 31 + step.how + step.where + step.value;
    take_step(board, step);
  }
  std::mt19937_64 random(seed);
  for (unsigned n = 0; n < kMoreSteps; ++n) {
    const u64 kind = random();
    // Small values and single bits mean more to registers than large ones.
    const u64 value = (kind >> 32 & 1) != 0 ? random() : random() >> (random() & 63);
    take_step(board, {static_cast<u8>(kind), static_cast<u16>(kind >> 8), value});
  }
  // It still answers, and resets.
  board.machine().run_control().reset();
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
