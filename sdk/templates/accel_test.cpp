// SPDX-License-Identifier: MIT
#include <backplane/testing/test_machine.h>
#include <backplane/x86/cpu.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

namespace backplane::testing {
namespace {

// What a processor executes first: mov al, 42; mov [0x2000], al; hlt
constexpr std::array<u8, 16> kCode{0xb0, 42, 0xa2, 0x00, 0x20, 0xf4};

TEST(@CLASS@, ExecutesWhatThereIsAtReset) {
  accel_find("@STEM@");  // loads its module
  TestMachine machine(1_MiB, create_object<Accelerator>("@TYPE@"));
  auto rom = std::make_shared<RamBlock>("rom", 4_KiB);
  std::copy(kCode.begin(), kCode.end(), rom->host() + 4_KiB - kCode.size());
  const auto region = MemoryRegion::rom("rom", rom, 0, 4_KiB);
  machine.memory_root().add_subregion(4_GiB - 4_KiB, *region);
  machine.add_cpu(x86::create_cpu(machine, "max"));
  machine.power_on();
  machine.run_control().start();
  EXPECT_TRUE(machine.run_main_loop_until(
      [&] { return machine.memory().load<u8>(0x2000) == 42 && machine.cpus()[0]->halted(); }));
  machine.run_control().stop();
  machine.memory_root().remove_subregion(*region);
}

}  // namespace
}  // namespace backplane::testing
