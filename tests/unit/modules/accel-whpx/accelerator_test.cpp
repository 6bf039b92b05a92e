// SPDX-License-Identifier: MIT
// The accelerator as the frame uses it: start-up with memory, and its end.
#include "backplane/accelerator.h"

#include "backplane/error.h"
#include "backplane/testing/test_machine.h"
#include "scripted.h"

namespace backplane::whpx::testing {
namespace {

class WhpxAccelerator : public Scripted {
 protected:
  std::unique_ptr<Accelerator> make() {
    auto accelerator = create_object<Accelerator>("whpx-accel");
    accelerator->set_property("platform-library", kLibrary);
    accelerator->set_property("emulation-library", kLibrary);
    return accelerator;
  }
  backplane::testing::TestMachine machine{1_MiB};
};

TEST_F(WhpxAccelerator, MapsMemoryWhenThePartitionIsSetUp) {
  auto rom_block = std::make_shared<RamBlock>("rom", 0x2000);
  auto rom = MemoryRegion::rom("rom", rom_block, 0, 0x2000);
  machine.memory_root().add_subregion(0xfffe0000, *rom);
  {
    const auto accelerator = make();
    accelerator->init_machine(machine);
    EXPECT_EQ(script.calls.back(), "WHvMapGpaRange fffe0000");
    ASSERT_EQ(script.memory.size(), 2U);
    EXPECT_EQ(script.memory[0].flags, 7U);
    EXPECT_EQ(script.memory[0].source, machine.ram().host());
    EXPECT_EQ(script.memory[0].size, 1_MiB);
    EXPECT_EQ(script.memory[0xfffe0000].flags, 5U);  // read, execute
    machine.memory_root().remove_subregion(*rom);
    EXPECT_EQ(script.memory.size(), 1U);
    EXPECT_NE(to_text(accelerator->describe())
                  .find("Windows Hypervisor Platform accelerator is operational"),
              std::string::npos);
  }
  EXPECT_EQ(script.calls.back(), "WHvDeletePartition");
}

TEST_F(WhpxAccelerator, DoesNotMapWhatIsNoWholePage) {
  auto block = std::make_shared<RamBlock>("small", 0x1000);
  auto small = MemoryRegion::ram("small", block, 0, 0x800);
  machine.memory_root().add_subregion(0xe0000000, *small);
  const auto accelerator = make();
  accelerator->init_machine(machine);
  EXPECT_FALSE(script.memory.contains(0xe0000000));
}

TEST_F(WhpxAccelerator, LeavesNothingIfMemoryCannotBeMapped) {
  script.failures = {{"WHvMapGpaRange", kFail}};
  const auto [line, system] = error_of([&] { make()->init_machine(machine); });
  EXPECT_EQ(line, "WHPX: cannot map guest memory, hr=80004005");
  EXPECT_EQ(system, "Invalid argument");
  EXPECT_EQ(script.calls.back(), "WHvDeletePartition");
}

TEST_F(WhpxAccelerator, SaysWhyItIsNotUsableHere) {
  const auto& k = static_cast<const AccelClass&>(*TypeRegistry::instance().class_of("whpx-accel"));
#ifndef _WIN32
  EXPECT_TRUE(k.hardware);
  EXPECT_TRUE(
      k.unavailable_reason().value().starts_with("Could not load library WinHvPlatform.dll. ("));
#endif
}

TEST_F(WhpxAccelerator, SuspendsGuestTimeWhileTheMachineIsStopped) {
  const auto accelerator = make();
  accelerator->init_machine(machine);
  machine.run_control().start();
  EXPECT_NE(script.calls.back(), "WHvSuspendPartitionTime");
  machine.run_control().stop();
  EXPECT_EQ(script.calls.back(), "WHvSuspendPartitionTime");
}

}  // namespace
}  // namespace backplane::whpx::testing
