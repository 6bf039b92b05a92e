// SPDX-License-Identifier: MIT
// An accelerator that executes one instruction after the other by the reference interpreter of
// target-x86: as slow as it is simple.
#include <backplane/accelerator.h>
#include <backplane/machine.h>
#include <backplane/module.h>
#include <backplane/vcpu_threads.h>
#include <backplane/x86/cpu.h>
#include <backplane/x86/interpreter.h>
#include <backplane/x86/mmu.h>
#include <backplane/x86/system.h>

#include <atomic>
#include <memory>

using namespace backplane;

namespace {

class @CLASS@Vcpu final : public Vcpu {
 public:
  explicit @CLASS@Vcpu(x86::X86Cpu& cpu)
      : cpu_(cpu), memory_(cpu.state(), cpu.machine().memory()), interpreter_(cpu, memory_) {}

  // On the CPU's own thread. The state is the CPU object's all the time, so there is nothing to
  // bring there or from there (get_state(), put_state()).
  Exit run() override {
    while (!kicked_.exchange(false)) {
      if (cpu_.interrupt_request() != 0)
        if (x86::service_interrupts({cpu_, memory_})) continue;
      if (cpu_.halted()) {
        if (!cpu_.has_work()) return Exit::Halted;
        cpu_.set_halted(false);
      }
      switch (interpreter_.step()) {
        case x86::Interpreter::Step::Done:
        case x86::Interpreter::Step::Exception:
          break;
        case x86::Interpreter::Step::Halted:
          cpu_.set_halted(true);
          break;
        case x86::Interpreter::Step::Shutdown:
          cpu_.machine().run_control().request_reset(ShutdownCause::TripleFault);
          return Exit::Stopped;
      }
      instructions_.fetch_add(1, std::memory_order_relaxed);
    }
    return Exit::Kicked;
  }
  void kick() override { kicked_ = true; }

  u64 instructions() const { return instructions_.load(std::memory_order_relaxed); }

 private:
  x86::X86Cpu& cpu_;
  x86::WalkingMemory memory_;
  x86::Interpreter interpreter_;
  std::atomic<bool> kicked_{false};
  std::atomic<u64> instructions_{0};
};

class @CLASS@ final : public Accelerator {
 public:
  static void class_init(AccelClass&) {}

  void init_machine(Machine&) override {}
  void create_vcpu(Cpu& cpu) override {
    auto vcpu = std::make_unique<@CLASS@Vcpu>(x86::X86Cpu::of(*this, cpu));
    vcpus_.push_back(vcpu.get());
    threads_.start(*this, cpu, std::move(vcpu));
  }
  void shutdown() override { threads_.stop(); }
  // All of it is in the CPU objects.
  void expect_saves_state() const override {}

  Value describe() const override {
    u64 executed = 0;
    for (const @CLASS@Vcpu* vcpu : vcpus_) executed += vcpu->instructions();
    return Value::Record{{"instructions", executed}};
  }

 private:
  VcpuThreads threads_;
  std::vector<const @CLASS@Vcpu*> vcpus_;
};

BACKPLANE_TYPE(@CLASS@, "@TYPE@", .description = "One instruction after the other")

}  // namespace

BACKPLANE_MODULE("@MODULE@", "0.1", "An accelerator that interprets", "MIT")
