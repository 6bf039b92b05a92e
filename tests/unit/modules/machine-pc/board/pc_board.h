// SPDX-License-Identifier: MIT
// The whole pc machine without anything that runs its CPUs, on a clock that the test moves.
#pragma once

#include <algorithm>
#include <memory>

#include "backplane/error.h"
#include "backplane/machine.h"
#include "backplane/testing/test_machine.h"
#include "backplane/x86/cpu.h"

namespace backplane::pc::testing {

class PcBoard {
 public:
  explicit PcBoard(u64 ram = 64_MiB, unsigned cpus = 1)
      : machine_(create_object<Machine>("pc-machine")) {
    machine_->config().ram_size = ram;
    machine_->config().topology.cores = cpus;
    machine_->config().start_stopped = true;
    machine_->set_property("firmware", "none");
    machine_->main_loop().detach_clock(machine_->virtual_clock());
    machine_->virtual_clock().set_source([this] { return time_; });
    machine_->set_accelerator(std::make_unique<backplane::testing::NullAccelerator>());
    machine_->phases().advance(Phase::AccelCreated);
  }
  ~PcBoard() { machine_->tear_down(); }

  Machine& machine() { return *machine_; }
  void init() {
    machine_->init();
    machine_->phases().advance(Phase::MachineInitialized);
  }
  void power_on() {
    if (machine_->phases().current() == Phase::AccelCreated) init();
    machine_->finish();
    machine_->phases().advance(Phase::MachineReady);
    machine_->run_control().reset();
  }
  x86::X86State& state(unsigned cpu = 0) {
    return dynamic_cast<x86::X86Cpu&>(*machine_->cpus().at(cpu)).state();
  }

  u8 in8(u16 port) { return machine_->io().load<u8>(port); }
  u16 in16(u16 port) { return machine_->io().load<u16>(port); }
  u32 in32(u16 port) { return machine_->io().load<u32>(port); }
  void out8(u16 port, u8 value) { machine_->io().store(port, value); }
  void out16(u16 port, u16 value) { machine_->io().store(port, value); }
  void out32(u16 port, u32 value) { machine_->io().store(port, value); }
  u32 config_read(u8 devfn, u8 offset) {
    out32(0xcf8, 0x80000000u | u32{devfn} << 8 | offset);
    return in32(0xcfc);
  }
  void config_write(u8 devfn, u8 offset, u32 value) {
    out32(0xcf8, 0x80000000u | u32{devfn} << 8 | offset);
    out32(0xcfc, value);
  }

  void advance_time(i64 nanoseconds) {
    const i64 end = time_ + nanoseconds;
    Clock& clock = machine_->virtual_clock();
    for (i64 next; (next = clock.next_deadline()) >= 0 && next <= end;) {
      time_ = std::max(time_, next);
      clock.run_timers();
    }
    time_ = end;
  }

 private:
  MachineLock::Guard lock_;
  i64 time_ = 0;
  std::unique_ptr<Machine> machine_;
};

}  // namespace backplane::pc::testing
