// SPDX-License-Identifier: MIT
// One vCPU under KVM.
#pragma once

#include <pthread.h>

#include <atomic>
#include <memory>

#include "backplane/cpu.h"
#include "backplane/x86/interpreter.h"
#include "interrupts/irqchip_mode.h"
#include "kernel/system.h"
#include "vcpu/guest_debug.h"
#include "vcpu/pause.h"
#include "vcpu/registers.h"
#include "vcpu/run_page.h"

namespace backplane::kvm {

struct VcpuOptions {
  IrqchipMode irqchip = IrqchipMode::On;
  bool paravirtual = true;
};

class KvmVcpu final : public Vcpu {
 public:
  // Throws Error. `vm` outlives it.
  KvmVcpu(const System& system, const Descriptor& vm, x86::X86Cpu& cpu, VcpuOptions options);

  Exit run() override;
  void kick() override;
  void thread_started() override;
  void settle() override;
  void get_state() override;
  void put_state() override;
  void set_step(DebugStep step) override { debug_.set_step(step); }
  DebugStop debug_stop() const override { return debug_stop_; }
  // What a debugger wants it to stop at. The machine stands still.
  void set_debug_points(const std::vector<DebugRegisterUse>& points) { debug_.set_points(points); }
  // The machine stopped, or is about to start after the host's counter went so far. Any thread,
  // with the machine lock.
  void paused();
  void resume(u64 host_ticks);

  struct Counters {
    u64 exits = 0, ports = 0, mmio = 0, msrs = 0, halts = 0;
    u64 emulated = 0;  // instructions that KVM could not, executed by the reference implementation
  };
  const Counters& counters() const { return counters_; }
  const x86::X86Cpu& cpu() const { return cpu_; }

 private:
  // Whether run() goes on after an exit, or what it returns.
  enum class Next { Go, Halted, Stopped, Debug };

  // interrupts.cpp
  void deliver_interrupts();
  void deliver_nmi();
  void pass_on_accepted_nmis();
  bool deliver_init_or_sipi();
  void inject(u8 vector);
  bool interruptible();
  void take_task_priority();

  // exits.cpp
  Next handle_exit();
  Next halt();
  Next triple_fault();
  void handle_port();
  void handle_mmio();
  void handle_msr();
  void handle_end_of_interrupt();
  Next emulate();

  // saved_state.cpp
  bool deliver_what_is_under_way();
  void store_beside_local_apic();

  void enter();
  Next finish_access();
  // After something that counts as a step where one is wanted.
  Next stepped();
  bool kernel_apic() const { return irqchip_ != IrqchipMode::Off; }
  void apic_into_page();

  const System& system_;
  x86::X86Cpu& cpu_;
  x86::X86State& state_;
  const IrqchipMode irqchip_;
  x86::WalkingMemory linear_;
  x86::Interpreter interpreter_;
  Descriptor fd_;
  RunPage run_;
  Registers registers_;
  std::atomic<bool> kicked_{false};
  pthread_t thread_{};
  std::atomic<bool> has_thread_{false};
  PausedTsc paused_tsc_;
  PausedApicTimer paused_timer_;
  GuestDebug debug_;
  DebugStop debug_stop_;
  bool started_ = false;  // the kernel has registers
  // The kernel finishes the instruction that made the last exit at the next entry.
  bool access_pending_ = false;
  Counters counters_;
};

}  // namespace backplane::kvm
