// SPDX-License-Identifier: MIT
#include <backplane/machine_state.h>
#include <backplane/testing/isa_test_bus.h>
#include <backplane/testing/register_driver.h>
#include <backplane/testing/scratch_directory.h>
#include <backplane/testing/test_machine.h>
#include <gtest/gtest.h>

namespace backplane::testing {
namespace {

constexpr i64 kSecond = 1'000'000'000;

struct Computer {
  Computer() {
    machine.create_device("@TYPE@", {{"iobase", "0x300"}, {"irq", "7"}}, &isa.bus());
    machine.power_on();
  }

  TestMachine machine;
  IsaTestBus isa{machine};
  RegisterDriver ports{machine.io(), 0x300};
};

TEST(@CLASS@, InterruptsAtItsEndUntilThatIsTaken) {
  Computer computer;
  computer.ports.write8(0, 3);
  computer.machine.advance_time(kSecond);
  EXPECT_EQ(computer.ports.read8(0), 2);
  EXPECT_FALSE(computer.isa.irqs().level(7));
  computer.machine.advance_time(2 * kSecond);
  EXPECT_EQ(computer.ports.read8(0), 0);
  EXPECT_EQ(computer.ports.read8(1), 1);
  EXPECT_TRUE(computer.isa.irqs().level(7));
  computer.ports.write8(1, 0);
  EXPECT_FALSE(computer.isa.irqs().level(7));
}

TEST(@CLASS@, IsStoppedByReset) {
  Computer computer;
  computer.ports.write8(0, 1);
  computer.machine.reset_sequence().run();
  computer.machine.advance_time(2 * kSecond);
  EXPECT_FALSE(computer.isa.irqs().level(7));
}

TEST(@CLASS@, GoesOnWhereItWasSaved) {
  const ScratchDirectory directory;
  {
    Computer computer;
    computer.ports.write8(0, 2);
    computer.machine.advance_time(kSecond);
    save_machine(computer.machine, directory / "state");
  }
  Computer computer;
  load_machine(computer.machine, directory / "state");
  EXPECT_EQ(computer.ports.read8(0), 1);
  computer.machine.advance_time(kSecond);
  EXPECT_TRUE(computer.isa.irqs().level(7));
}

TEST(@CLASS@, SaysThatThereIsNoSuchLine) {
  TestMachine machine;
  IsaTestBus isa(machine);
  EXPECT_THROW(machine.create_device("@TYPE@", {{"irq", "16"}}, &isa.bus()), Error);
}

}  // namespace
}  // namespace backplane::testing
