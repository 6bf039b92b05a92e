// SPDX-License-Identifier: MIT
// A hostile driver of a screen on virtio: commands of the bytes' choice to both queues, while
// somebody looks. Nothing may crash, hang, or reach outside guest RAM.
#include <array>
#include <cstring>

#include "../input.h"
#include "backplane/display.h"
#include "backplane/pci/host_bridge.h"
#include "backplane/testing/test_machine.h"
#include "backplane/testing/virtio_driver.h"

namespace backplane::fuzz {
namespace {

using testing::DriverQueue;
using testing::TestMachine;
using testing::VirtioPciDriver;

constexpr u64 kRamSize = 1_MiB, kRings = 0x1000, kCommand = 0x8000, kReply = 0x9000;
constexpr u16 kQueueSize = 8;
constexpr unsigned kSlot = 4;

// Numbers that are often what a command needs.
u32 number(Input& input) {
  const u8 kind = input.take<u8>();
  if (kind < 200) return kind % 8;
  if (kind < 230) return 64;
  return input.take<u32>() >> kind % 32;
}

std::vector<u8> make_command(Input& input) {
  constexpr u32 kTypes[] = {0x100, 0x101, 0x101, 0x102, 0x103, 0x104, 0x104, 0x105,
                            0x105, 0x106, 0x106, 0x107, 0x10a, 0x300, 0x300, 0x301};
  std::vector<u8> bytes(24 + 12 * 4 + 4 * 16);
  const auto put = [&](std::size_t at, u32 value) { std::memcpy(&bytes[at], &value, 4); };
  const u32 type = kTypes[input.take<u8>() % std::size(kTypes)];
  put(0, type);
  put(4, input.take<u8>() & 1);
  for (std::size_t at = 24; at < bytes.size(); at += 4) put(at, number(input));
  if (type == 0x101) {
    constexpr u32 kFormats[] = {1, 2, 3, 4, 67, 68, 121, 134};
    put(28, kFormats[input.take<u8>() % 8]);
  }
  if (type == 0x106)
    for (std::size_t at = 32; at + 16 <= bytes.size(); at += 16) {
      put(at, input.take<u32>() % (kRamSize + 0x1000));
      put(at + 4, 0);
      put(at + 8, input.take<u16>());
    }
  if (input.take<u8>() > 240) bytes.resize(1 + input.take<u8>() % bytes.size());
  return bytes;
}

void run(Input input) {
  TestMachine machine(kRamSize);
  machine.create_device("pci-host-bridge");
  Device& device =
      machine.add_device("virtio-gpu-pci", "", "", {{"addr", "4"}, {"max_hostmem", "1000000"}});
  machine.power_on();
  machine.run_control().start();
  VirtioPciDriver driver(machine, kSlot);
  std::vector<DriverQueue> queues;
  const auto start = [&] {
    driver.negotiate(virtio::bit(virtio::kVersion1) | virtio::bit(1));
    queues.clear();
    for (unsigned n = 0; n < 2; ++n) {
      queues.emplace_back(machine.memory(), kRings + n * 0x1000, kQueueSize);
      driver.set_up_queue(n, queues.back());
    }
    driver.driver_ok();
  };
  start();
  Screen& screen = objects_offering<DisplayDevice>(machine).front()->screen();
  while (!input.empty()) {
    const u8 what = input.take<u8>();
    if (what < 4) {
      start();
    } else if (what < 8) {
      machine.run_control().reset();
      start();
    } else if (what < 40) {
      screen.refresh();
    } else if (what < 44) {
      screen.ask_size(input.take<u16>(), input.take<u16>());
    } else {
      const std::vector<u8> command = make_command(input);
      machine.memory().write(kCommand, command.data(), command.size());
      const unsigned queue = what % 4 == 0 ? 1 : 0;
      queues[queue].add({{kCommand, static_cast<u32>(command.size())}},
                        {{kReply, what % 8 == 1 ? 30U : 0x1000U}});
      driver.kick(queue);
      queues[queue].take_used();
    }
  }
  screen.refresh();
  static_cast<void>(device.describe());
}

}  // namespace
}  // namespace backplane::fuzz

extern "C" int LLVMFuzzerTestOneInput(const backplane::u8* data, std::size_t size) {
  backplane::fuzz::run({data, size});
  return 0;
}
