// SPDX-License-Identifier: MIT
#include <backplane/machine_state.h>
#include <backplane/testing/scratch_directory.h>
#include <backplane/testing/test_machine.h>
#include <backplane/testing/virtio_driver.h>
#include <gtest/gtest.h>

#include <string_view>

namespace backplane::testing {
namespace {

constexpr u64 kRings = 0x1000;
constexpr u64 kOut = 0x8000;
constexpr u64 kIn = 0x9000;

// A machine with the device in slot 3, and its driver.
struct Computer {
  Computer() {
    machine.create_device("pci-host-bridge");
    machine.add_device("@TYPE@-pci", "", "", {{"addr", "3"}});
    machine.power_on();
  }

  TestMachine machine;
};

struct Driver {
  explicit Driver(Computer& computer)
      : memory(computer.machine.memory()), pci(computer.machine, 3) {
    EXPECT_TRUE(pci.negotiate(1ULL << 32 | 1));
    pci.set_up_queue(0, queue);
    pci.driver_ok();
  }
  std::string ask(std::string_view text) {
    memory.write(kOut, text.data(), text.size());
    queue.add({{kOut, static_cast<u32>(text.size())}}, {{kIn, 64}});
    pci.kick(0);
    const auto used = queue.take_used();
    if (!used) return "no answer";
    std::string answer(used->length, '\0');
    memory.read(kIn, answer.data(), answer.size());
    return answer;
  }

  AddressSpace& memory;
  VirtioPciDriver pci;
  DriverQueue queue{memory, kRings, 16};
};

TEST(@CLASS@, TurnsBytesAround) {
  Computer computer;
  Driver driver(computer);
  EXPECT_EQ(driver.ask("hello"), "olleh");
  EXPECT_EQ(driver.pci.config32(0), 1U);
  EXPECT_EQ(driver.ask("ab"), "ba");
  EXPECT_EQ(driver.pci.config32(0), 2U);
}

TEST(@CLASS@, IsSavedWithItsCount) {
  const ScratchDirectory directory;
  {
    Computer computer;
    Driver driver(computer);
    driver.ask("one");
    save_machine(computer.machine, directory / "state");
  }
  Computer computer;
  load_machine(computer.machine, directory / "state");
  VirtioPciDriver pci(computer.machine, 3);
  EXPECT_EQ(pci.config32(0), 1U);
}

TEST(@CLASS@, RefusesALimitThatIsNone) {
  TestMachine machine;
  machine.create_device("pci-host-bridge");
  EXPECT_THROW(machine.add_device("@TYPE@-pci", "", "", {{"limit", "0"}}), Error);
}

}  // namespace
}  // namespace backplane::testing
