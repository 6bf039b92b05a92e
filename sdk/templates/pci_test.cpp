// SPDX-License-Identifier: MIT
#include <backplane/machine_state.h>
#include <backplane/testing/log_recorder.h>
#include <backplane/testing/pci_driver.h>
#include <backplane/testing/register_driver.h>
#include <backplane/testing/scratch_directory.h>
#include <backplane/testing/test_machine.h>
#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr u64 kBar = 0xe0000000;
constexpr u64 kBytes = 0x1000;    // of RAM, to add up
constexpr u64 kMessage = 0x2000;  // of RAM: where MSI-X stores

// A machine with the function in slot 3, and the driver's side of it.
struct Computer {
  explicit Computer(bool plugged = true) {
    machine.create_device("pci-host-bridge");
    if (!plugged) return;
    plug();
    machine.power_on();
  }
  void plug() { machine.add_device("@TYPE@", "sum", "", {{"addr", "3"}, {"latency", "5000"}}); }
  void start(u64 address, u32 length) {
    registers.write64(0x08, address);
    registers.write32(0x10, length);
    registers.write32(0x14, 1);
  }
  void set_up() {
    pci.assign_bars(kBar, 0xc000);
    pci.enable_msix(kMessage, 42);
  }

  TestMachine machine;
  PciDriver pci{machine, 3};
  RegisterDriver registers{machine.memory(), kBar};
};

TEST(@CLASS@, AddsUpBytesAndInterrupts) {
  Computer computer;
  computer.set_up();
  computer.machine.memory().store<u32>(kBytes, 0x01020304);
  EXPECT_EQ(computer.registers.read32(0x00), 0x53554d31U);
  computer.start(kBytes, 4);
  EXPECT_EQ(computer.registers.read32(0x1c), 1U);
  computer.machine.advance_time(4999);
  EXPECT_EQ(computer.machine.memory().load<u32>(kMessage), 0U);
  computer.machine.advance_time(1);
  EXPECT_EQ(computer.registers.read32(0x18), 10U);
  EXPECT_EQ(computer.registers.read32(0x1c), 0U);
  EXPECT_EQ(computer.machine.memory().load<u32>(kMessage), 42U);
}

TEST(@CLASS@, SaysThatThereIsNoMemory) {
  Computer computer;
  computer.set_up();
  computer.start(TestMachine::kDefaultRamSize - 2, 4);
  computer.machine.advance_time(5000);
  EXPECT_EQ(computer.registers.read32(0x1c), 2U);
}

TEST(@CLASS@, TellsWhatTheGuestDidWrong) {
  Computer computer;
  computer.set_up();
  const LogRecorder log("guest_errors");
  computer.start(kBytes, 1);
  computer.registers.write32(0x14, 1);
  computer.registers.read32(0x40);
  EXPECT_NE(log.text().find("START while one is under way"), std::string::npos) << log.text();
  EXPECT_NE(log.text().find("read of register 0x40"), std::string::npos) << log.text();
}

TEST(@CLASS@, ForgetsAllAtReset) {
  Computer computer;
  computer.set_up();
  computer.start(kBytes, 1);
  computer.machine.reset_sequence().run();
  computer.set_up();
  EXPECT_EQ(computer.registers.read64(0x08), 0U);
  computer.machine.advance_time(5000);
  EXPECT_EQ(computer.machine.memory().load<u32>(kMessage), 0U);
}

TEST(@CLASS@, GoesOnWhereItWasSaved) {
  const ScratchDirectory directory;
  {
    Computer computer;
    computer.set_up();
    computer.machine.memory().store<u8>(kBytes, 7);
    computer.start(kBytes, 1);
    computer.machine.advance_time(3000);
    save_machine(computer.machine, directory / "state");
  }
  Computer computer;
  load_machine(computer.machine, directory / "state");
  computer.machine.advance_time(1999);
  EXPECT_EQ(computer.registers.read32(0x1c), 1U);
  computer.machine.advance_time(1);
  EXPECT_EQ(computer.registers.read32(0x18), 7U);
  EXPECT_EQ(computer.machine.memory().load<u32>(kMessage), 42U);
}

TEST(@CLASS@, CanBePluggedAndUnpluggedWhileTheMachineRuns) {
  Computer computer(false);
  computer.machine.power_on();
  EXPECT_FALSE(computer.pci.present());
  computer.plug();
  EXPECT_TRUE(computer.pci.present());
  computer.set_up();
  computer.start(kBytes, 1);
  computer.machine.remove_device(*computer.machine.find_device("sum"));
  EXPECT_FALSE(computer.pci.present());
  computer.machine.advance_time(5000);
}

}  // namespace
}  // namespace backplane::testing
