// SPDX-License-Identifier: MIT
// One vCPU under KVM, with every interrupt controller ours.
#pragma once

#include <pthread.h>

#include <atomic>
#include <memory>

#include "backplane/cpu.h"
#include "backplane/x86/interpreter.h"
#include "kernel/system.h"

namespace backplane::kvm {

class KvmVcpu final : public Vcpu {
 public:
  // Throws Error. `vm` outlives it.
  KvmVcpu(const System& system, const Descriptor& vm, x86::X86Cpu& cpu);
  ~KvmVcpu() override;

  Exit run() override;
  void kick() override;
  void thread_started() override;
  void get_state() override;
  void put_state() override;

  struct Counters {
    u64 exits = 0, ports = 0, mmio = 0, msrs = 0, halts = 0;
    u64 emulated = 0;  // instructions that KVM could not, executed by the reference implementation
  };
  const Counters& counters() const { return counters_; }
  const x86::X86Cpu& cpu() const { return cpu_; }

 private:
  // Whether run() goes on after an exit, or what it returns.
  enum class Next { Go, Halted, Stopped };

  void load();   // state of the kernel -> X86State
  void store();  // and back
  void deliver_interrupts();
  void inject(u8 vector);
  bool interruptible() const;
  void take_task_priority();
  Next handle_exit();
  Next halt();
  void handle_port();
  void handle_mmio();
  void handle_msr(bool write);
  Next emulate();

  x86::X86Cpu& cpu_;
  x86::X86State& state_;
  x86::WalkingMemory linear_;
  x86::Interpreter interpreter_;
  std::size_t run_size_;
  Descriptor fd_;
  kvm_run* run_ = nullptr;
  std::atomic<bool> kicked_{false};
  pthread_t thread_{};
  std::atomic<bool> has_thread_{false};
  bool started_ = false;  // the shared page has registers
  bool injected_ = false;  // an interrupt, since the last run
  Counters counters_;
};

}  // namespace backplane::kvm
