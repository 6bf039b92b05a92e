// SPDX-License-Identifier: MIT
// "kvm-accel": the host kernel runs the guest's code on the processor.
#include "backplane/accelerator.h"

#include <x86intrin.h>

#include <optional>
#include <vector>

#include "backplane/machine.h"
#include "backplane/modinfo.h"
#include "backplane/vcpu_threads.h"
#include "backplane/x86/apic.h"
#include "interrupts/interrupts.h"
#include "kernel/watchpoint_probe.h"
#include "memory/memory_slots.h"
#include "memory/write_events.h"
#include "vcpu/msrs.h"
#include "vcpu/pause.h"
#include "vcpu/vcpu.h"

namespace backplane::kvm {
namespace {

// Where KVM keeps three pages and one of its own, below the firmware. [api.rst "KVM_SET_TSS_ADDR",
// "KVM_SET_IDENTITY_MAP_ADDR"]
constexpr u64 kTssAddress = 0xfeffd000, kIdentityMapAddress = 0xfeffc000;

// What the kernel's local APICs count, unless told otherwise. [api.rst
// "KVM_CAP_X86_APIC_BUS_CYCLES_NS"]
constexpr u64 kApicTimerHertz = 1'000'000'000;
static_assert(kApicTimerHertz == x86::LocalApic::kTimerFrequency,
              "machines go on under another accelerator");

// What the guest has of KVM beside the CPUs' registers, if it is shown that it runs there.
struct Shown {
  u64 clock = 0;  // nanoseconds
};

class KvmAccel final : public Accelerator, public x86::PlatformInterrupts {
 public:
  static void class_init(AccelClass& k) {
    k.shows_host_cpu = true;
    k.hardware = true;
    k.unavailable_reason = System::unavailable_reason;
    k.property<&KvmAccel::irqchip_>(
        "kernel-irqchip",
        "interrupt controllers of the kernel: on (all), split (local APICs) or off (none)");
    k.property<&KvmAccel::paravirtual_>(
        "paravirtual", "show the guest that it runs on KVM, with KVM's clock and stolen time");
    k.state<&KvmAccel::shown_>(1, {member<&Shown::clock>("clock")});
  }
  ~KvmAccel() override { shutdown(); }

  void expect_saves_state() const override {}
  std::string guest_interface() const override { return paravirtual_ ? "kvm" : "none"; }
  void saving() override {
    Accelerator::saving();
    if (shown_) shown_->clock = paused_clock_.value();
  }
  void loaded() override {
    Accelerator::loaded();
    if (shown_) paused_clock_.set_value(shown_->clock);
  }

  void init_machine(Machine& machine) override {
    machine_ = &machine;
    if (paravirtual_) shown_.emplace();
    system_ = std::make_unique<System>();
    vm_ = system_->create_vm();
    u64 identity_map = kIdentityMapAddress;
    if (system_->capability(KVM_CAP_SET_IDENTITY_MAP_ADDR) > 0)
      vm_.call("cannot place KVM's identity map", KVM_SET_IDENTITY_MAP_ADDR, &identity_map);
    if (system_->capability(KVM_CAP_SET_TSS_ADDR) > 0)
      vm_.call("cannot place KVM's task state", KVM_SET_TSS_ADDR, kTssAddress);
    return_emulation_failures();
    return_msrs();
    if (irqchip_ == IrqchipMode::Off) {
      filter_msrs();
    } else {
      interrupts_ = std::make_unique<KernelInterrupts>(vm_, *system_, irqchip_);
    }
    memory_events_ = std::make_unique<WriteEvents>(vm_, *system_, WriteEvents::Space::Memory);
    port_events_ = std::make_unique<WriteEvents>(vm_, *system_, WriteEvents::Space::Ports);
    slots_ = std::make_unique<MemorySlots>(vm_, *system_);  // shutdown() looks at this one
    machine.memory().add_listener(*slots_);
    machine.memory().add_listener(*memory_events_);
    machine.io().add_listener(*port_events_);
    run_state_ = machine.run_control().on_change([this](bool running) {
      if (running)
        resume();
      else
        pause();
    });
  }

  void create_vcpu(Cpu& cpu) override {
    auto vcpu = std::make_unique<KvmVcpu>(*system_, vm_, x86::X86Cpu::of(*this, cpu),
                                          VcpuOptions{irqchip_, paravirtual_});
    vcpus_.push_back(vcpu.get());
    stopped_at_ = x86::ApicBus::of(*machine_).tsc_base();
    threads_.start(*this, cpu, std::move(vcpu));
  }

  void shutdown() override {
    threads_.stop();
    if (slots_ == nullptr) return;
    machine_->memory().remove_listener(*slots_);
    machine_->memory().remove_listener(*memory_events_);
    machine_->io().remove_listener(*port_events_);
    slots_.reset();
  }

  // The four debug registers are the processor's, so what is beyond them is said when it is asked
  // for.
  DebugSupport debug_support() const override {
    if (!has_watchpoints_) has_watchpoints_ = reports_watchpoints(*system_);
    DebugSupport support{.step = true, .code = true, .data = *has_watchpoints_, .missing = {}};
    if (!support.data)
      support.missing = "the KVM of this host reports no watchpoints: use -accel tcg for them";
    return support;
  }
  void set_debug_points(const DebugPoints& points) override {
    const std::vector<DebugRegisterUse> uses = x86::assign_debug_registers(points, "KVM");
    for (KvmVcpu* vcpu : vcpus_) vcpu->set_debug_points(uses);
  }

  Value describe() const override {
    Value::List cpus;
    for (const KvmVcpu* vcpu : vcpus_) {
      const KvmVcpu::Counters& n = vcpu->counters();
      cpus.push_back(Value::Record{{"cpu", vcpu->cpu().index()},
                                   {"exits", n.exits},
                                   {"port", n.ports},
                                   {"mmio", n.mmio},
                                   {"msr", n.msrs},
                                   {"halt", n.halts},
                                   {"emulated", n.emulated}});
    }
    return Value::Record{{"kernel-irqchip", PropertyTraits<IrqchipMode>::print(irqchip_)},
                         {"memory-slots", slots_ != nullptr ? slots_->count() : 0},
                         {"cpus", std::move(cpus)}};
  }

  std::unique_ptr<MessageSignal> create_message_signal() override {
    return interrupts_ != nullptr ? interrupts_->create_message_signal() : nullptr;
  }

  u64 timer_frequency() const override { return kApicTimerHertz; }
  void deliver(const x86::InterruptMessage& message) override { interrupts_->deliver(message); }
  void ioapic_changed(std::span<const IoApicMessage> messages) override {
    if (irqchip_ == IrqchipMode::Split) interrupts_->set_ioapic_messages(messages);
  }
  x86::PlatformChipset* chipset() override {
    return interrupts_ != nullptr ? interrupts_->chipset() : nullptr;
  }

 private:
  bool has_local_apics() const override { return irqchip_ != IrqchipMode::Off; }

  void pause() {
    paused_clock_.stopped(vm_);
    stopped_at_ = __rdtsc();
    for (KvmVcpu* vcpu : vcpus_) vcpu->paused();
  }
  void resume() {
    const u64 host_ticks = __rdtsc() - stopped_at_;
    for (KvmVcpu* vcpu : vcpus_) vcpu->resume(host_ticks);
    paused_clock_.started(vm_);
  }

  // An instruction that the kernel's emulator does not know comes to us from every privilege level:
  // without this, those of ring 3 raise #UD. [api.rst "KVM_CAP_EXIT_ON_EMULATION_FAILURE"]
  void return_emulation_failures() {
    if (system_->capability(KVM_CAP_EXIT_ON_EMULATION_FAILURE) <= 0) return;
    kvm_enable_cap enable{};
    enable.cap = KVM_CAP_EXIT_ON_EMULATION_FAILURE;
    enable.args[0] = 1;
    vm_.call("cannot ask KVM for emulation failures", KVM_ENABLE_CAP, &enable);
  }

  // MSRs that the kernel does not know come to us. Without local APICs of its own it refuses the
  // x2APIC's registers, so what it refuses does as well, and what it must not answer.
  void return_msrs() {
    if (irqchip_ != IrqchipMode::Off && system_->capability(KVM_CAP_X86_USER_SPACE_MSR) <= 0)
      return;
    kvm_enable_cap enable{};
    enable.cap = KVM_CAP_X86_USER_SPACE_MSR;
    enable.args[0] = KVM_MSR_EXIT_REASON_UNKNOWN;
    if (irqchip_ == IrqchipMode::Off)
      enable.args[0] |= KVM_MSR_EXIT_REASON_INVAL | KVM_MSR_EXIT_REASON_FILTER;
    vm_.call("cannot ask KVM for MSR exits", KVM_ENABLE_CAP, &enable);
  }

  void filter_msrs() {
    u8 refused = 0;  // a clear bit: exit
    kvm_msr_filter filter{};
    filter.flags = KVM_MSR_FILTER_DEFAULT_ALLOW;
    unsigned n = 0;
    for (const u32 msr : {kApicBaseMsr, kTscDeadlineMsr}) {
      filter.ranges[n].flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE;
      filter.ranges[n].base = msr;
      filter.ranges[n].nmsrs = 1;
      filter.ranges[n].bitmap = &refused;
      ++n;
    }
    vm_.call("cannot set KVM's MSR filter", KVM_X86_SET_MSR_FILTER, &filter);
  }

  mutable std::optional<bool> has_watchpoints_;  // once it was asked for
  IrqchipMode irqchip_ = IrqchipMode::On;
  bool paravirtual_ = true;
  std::optional<Shown> shown_;
  Machine* machine_ = nullptr;
  Subscription run_state_;
  std::unique_ptr<System> system_;
  Descriptor vm_;
  std::unique_ptr<KernelInterrupts> interrupts_;
  std::unique_ptr<MemorySlots> slots_;
  std::unique_ptr<WriteEvents> memory_events_, port_events_;
  PausedClock paused_clock_;
  u64 stopped_at_ =
      0;  // the host's time-stamp counter; before the first start: where the guest's is 0
  std::vector<KvmVcpu*> vcpus_;
  VcpuThreads threads_;
};

}  // namespace
}  // namespace backplane::kvm

using backplane::kvm::KvmAccel;
BACKPLANE_MODULE("accel-kvm", "0.1", "Hardware accelerator: the host kernel's virtual machines")
BACKPLANE_TYPE(KvmAccel, "kvm-accel",
               .description = "hardware virtualisation by the host kernel; needs /dev/kvm")
