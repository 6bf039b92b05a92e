// SPDX-License-Identifier: MIT
// One vCPU on the platform.
#pragma once

#include <atomic>
#include <memory>
#include <optional>

#include "backplane/cpu.h"
#include "backplane/x86/debug_registers.h"
#include "backplane/x86/interpreter.h"
#include "interrupts/delivery.h"
#include "vcpu/emulator.h"

namespace backplane::whpx {

class WhpxVcpu final : public Vcpu {
 public:
  // Throws Error. `partition` outlives it.
  WhpxVcpu(const Partition& partition, x86::X86Cpu& cpu);

  Exit run() override;
  void kick() override;
  void thread_started() override { put_state(); }
  void settle() override;
  void get_state() override;
  void put_state() override;

  void set_step(DebugStep step) override { step_ = step; }
  DebugStop debug_stop() const override { return debug_stop_; }
  // What a debugger wants it to stop at. The machine stands still.
  void set_debug_points(const std::vector<x86::DebugRegisterUse>& points);

  // Throws Error if the guest uses registers that the platform does not show whole. Machine lock.
  void expect_saves_state() const;

  // Guest time stood still: its counter's offset is to be found anew. Machine lock, while no guest
  // code runs.
  void time_was_suspended() { tsc_is_known_ = false; }
  // Where the platform does not suspend guest time: the counter when the machine stops, and again
  // when it starts.
  void keep_tsc();
  void put_tsc_back();

  struct Counters {
    u64 exits = 0, ports = 0, memory = 0, msrs = 0, cpuid = 0, halts = 0;
    u64 emulated = 0;  // instructions that the emulation library does not know
  };
  const Counters& counters() const { return counters_; }
  const x86::X86Cpu& cpu() const { return cpu_; }

 private:
  // Whether run() goes on after an exit, or what it returns.
  enum class Next { Go, Kicked, Halted, Stopped, Debug };

  void flush_entry();
  void load();   // the platform's registers -> X86State
  void store();  // and back
  void reset_platform_apic();
  bool deliver_what_is_under_way();
  void measure_tsc();
  void service_startup();
  Next enter();
  void take_context();

  // debug.cpp
  void put_points_in_place();
  void keep_debug_registers(RegisterBatch& batch) const;
  Next step();
  Next execute_step();
  std::optional<DebugStop> stop_at_point();

  Next handle_exit();
  Next emulated();
  Next halt();
  Next handle_msr();
  Next handle_cpuid();
  Next handle_exception();
  Next interpret();
  Next give_up(const std::string& what);
  // Adds that the instruction which left the guest is done.
  void complete(RegisterBatch& batch) const;

  x86::X86Cpu& cpu_;
  x86::X86State& state_;
  x86::WalkingMemory linear_;
  x86::Interpreter interpreter_;
  VirtualProcessor processor_;
  Emulator emulator_;
  bool platform_apic_;  // the local APIC is the platform's
  std::unique_ptr<InterruptDelivery> delivery_;
  std::vector<WHV_REGISTER_NAME> registers_;  // those that make up the state
  WHV_RUN_VP_EXIT_CONTEXT exit_{};
  RegisterBatch entry_;  // what is set before the next run
  std::atomic<bool> kicked_{false}, running_{false};
  bool started_ = false;  // the platform has the CPU's state
  bool tsc_is_known_ = false;
  std::optional<u64> kept_tsc_;
  DebugStep step_ = DebugStep::None;
  DebugStop debug_stop_;
  std::vector<x86::DebugRegisterUse> points_;
  bool points_changed_ = false;
  bool points_in_place_ = false;  // the processor's debug registers are a debugger's
  Counters counters_;
};

}  // namespace backplane::whpx
