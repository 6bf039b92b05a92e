// SPDX-License-Identifier: MIT
// A board without anything that runs its CPUs, on a clock that the test moves.
//
//   TestBoard board("my-machine", 16_MiB);
//   board.power_on();
//   board.machine().memory().store<u32>(0, 7);
#pragma once

#include <memory>
#include <string_view>

#include "backplane/machine.h"
#include "backplane/module.h"
#include "backplane/testing/test_machine.h"

namespace backplane::testing {

class TestBoard {
 public:
  // The type is looked for as -machine does. One machine at a time.
  explicit TestBoard(std::string_view type, u64 ram_size, unsigned cpus = 1) {
    class_by_name(type);
    machine_ = create_object<Machine>(type);
    machine_->config().ram_size = ram_size;
    machine_->config().topology.cores = cpus;
    machine_->config().start_stopped = true;
    machine_->main_loop().detach_clock(machine_->virtual_clock());
    machine_->virtual_clock().set_source([this] { return time_; });
    machine_->set_accelerator(std::make_unique<NullAccelerator>());
    machine_->phases().advance(Phase::AccelCreated);
  }
  ~TestBoard() { machine_->tear_down(); }
  TestBoard(const TestBoard&) = delete;
  TestBoard& operator=(const TestBoard&) = delete;

  Machine& machine() { return *machine_; }

  // The board builds itself, and is reset. Throws Error, as init() and finish() do.
  void power_on() {
    machine_->init();
    machine_->phases().advance(Phase::MachineInitialized);
    machine_->finish();
    machine_->phases().advance(Phase::MachineReady);
    machine_->run_control().reset();
  }

 private:
  MachineLock::Guard lock_;
  std::unique_ptr<Machine> machine_;
  i64 time_ = 0;
};

}  // namespace backplane::testing
