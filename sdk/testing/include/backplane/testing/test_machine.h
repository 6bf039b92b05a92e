// SPDX-License-Identifier: MIT
// A machine for tests of devices: RAM, ports and a bus, no CPU, no accelerator, and a virtual clock
// that moves only when the test says so. Nothing runs on another thread: an access returns when the
// device has answered.
//
//   TestMachine machine;
//   Device& uart = machine.create_device("my-uart", {{"base", "0x3f8"}});
//   machine.power_on();
//   machine.io().store<u8>(0x3f8, 'x');
//   machine.advance_time(1'000'000);
#pragma once

#include <functional>
#include <memory>

#include "backplane/command.h"
#include "backplane/machine.h"

namespace backplane::testing {

// A bus that any device may sit on: for devices that need one and do not care which.
class TestBus : public Bus {
  BACKPLANE_OBJECT(TestBus, Bus, "test-bus")
 public:
  static void class_init(ObjectClass& k) { k.stateless(); }
};

// The machine. The thread that makes it holds the machine lock until it is gone, so a test need not
// take it, and there is one at a time.
class TestMachine : public Machine {
  BACKPLANE_OBJECT(TestMachine, Machine, "test-machine")
 public:
  static constexpr u64 kDefaultRamSize = 16_MiB;
  static void class_init(MachineClass& k) { k.stateless(); }

  // RAM from address 0; an Error says what the host refused. The phase is MachineInitialized:
  // devices can be made. The accelerator is one that runs nothing, or the one given.
  explicit TestMachine(u64 ram_size = kDefaultRamSize,
                       std::unique_ptr<Accelerator> accelerator = nullptr);
  ~TestMachine() override;

  RamBlock& ram() { return *ram_; }
  TestBus& bus() { return *bus_; }

  // The rest of a launch: finish(), MachineReady, reset. Devices made later are hot-plugged.
  void power_on();

  // Moves the virtual clock on, and fires the timers on the way, each at its own time. Throws Error
  // if timers keep firing without time passing.
  void advance_time(i64 nanoseconds);

  // Runs what the main loop has to do (completions, watches), until it has nothing more.
  void run_main_loop();
  // The same, waiting for more, until done() or a limit of ten seconds; returns done().
  bool run_main_loop_until(const std::function<bool()>& done);

  // Runs a command that an object brings (command.h), as a manager has it run. Throws Error: what
  // the command throws, or that it has none of that name.
  Value call(Object& offering, std::string_view command, Value arguments = {});

  void init() override;
  // Time goes on from when that was saved.
  void loaded() override;

 private:
  MachineLock::Guard lock_;
  std::shared_ptr<RamBlock> ram_;
  std::unique_ptr<MemoryRegion> ram_region_;
  TestBus* bus_ = nullptr;
  i64 time_ = 0;
};

// An accelerator that runs nothing.
class NullAccelerator : public Accelerator {
  BACKPLANE_OBJECT(NullAccelerator, Accelerator, "null-accel")
 public:
  void expect_saves_state() const override {}
  void init_machine(Machine&) override {}
  void create_vcpu(Cpu&) override {}
};

}  // namespace backplane::testing
