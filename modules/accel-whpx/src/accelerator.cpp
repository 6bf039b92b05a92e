// SPDX-License-Identifier: MIT
// "whpx-accel": the Windows Hypervisor Platform runs the guest's code on the processor.
#include "backplane/accelerator.h"

#include "backplane/log.h"
#include "backplane/machine.h"
#include "backplane/modinfo.h"
#include "backplane/vcpu_threads.h"
#include "backplane/x86/apic_ids.h"
#include "backplane/x86/platform_interrupts.h"
#include "interrupts/platform_apic.h"
#include "memory/guest_memory.h"
#include "vcpu/cpuid.h"
#include "vcpu/vcpu.h"

namespace backplane::whpx {
namespace {

constexpr const char* kOperational = "Windows Hypervisor Platform accelerator is operational";

class WhpxAccel final : public Accelerator, public x86::PlatformInterrupts {
 public:
  static void class_init(AccelClass& k) {
    k.hardware = true;
    k.stateless();
    k.unavailable_reason = unavailable_reason;
    k.property<&WhpxAccel::irqchip_>(
        "kernel-irqchip", "local APICs of the platform: on, off, or auto (if it has them)");
    k.property<&WhpxAccel::platform_library_>("platform-library",
                                              "file of the platform's functions");
    k.property<&WhpxAccel::emulation_library_>("emulation-library",
                                               "file of the instruction emulator's functions");
  }
  ~WhpxAccel() override { shutdown(); }

  void init_machine(Machine& machine) override {
    machine_ = &machine;
    dispatch_ = std::make_unique<Dispatch>(LibraryNames{platform_library_, emulation_library_});
    PartitionOptions options;
    // A processor's number is its APIC id.
    options.processors = x86::ApicIds(machine.config().topology).highest() + 1;
    options.platform_apics = irqchip_;
    options.cpuid = [&machine](bool platform_apic) { return model_cpuid(machine, platform_apic); };
    partition_ = std::make_unique<Partition>(*dispatch_, options);
    memory_ = std::make_unique<GuestMemory>(*partition_);
    machine.memory().add_listener(*memory_);
    run_state_ =
        machine.run_control().on_change([this](bool running) { run_state_changed(running); });
    log::print(LogCategory::Accel, "{}", kOperational);
  }

  void create_vcpu(Cpu& cpu) override {
    x86::X86Cpu& own = x86::X86Cpu::of(*this, cpu);
    own.take_host_identity();
    auto vcpu = std::make_unique<WhpxVcpu>(*partition_, own);
    vcpus_.push_back(vcpu.get());
    threads_.start(*this, cpu, std::move(vcpu));
  }

  void shutdown() override {
    threads_.stop();
    if (memory_ != nullptr) machine_->memory().remove_listener(*memory_);
    memory_.reset();
  }

  Value describe() const override {
    Value::List cpus;
    for (const WhpxVcpu* vcpu : vcpus_) {
      const WhpxVcpu::Counters& n = vcpu->counters();
      cpus.push_back(Value::Record{{"cpu", vcpu->cpu().index()},
                                   {"exits", n.exits},
                                   {"port", n.ports},
                                   {"memory", n.memory},
                                   {"msr", n.msrs},
                                   {"cpuid", n.cpuid},
                                   {"halt", n.halts},
                                   {"emulated", n.emulated}});
    }
    Value::Record record;
    if (partition_ != nullptr) {
      record.push_back({"state", kOperational});
      record.push_back({"platform-apics", partition_->has_platform_apics()});
      record.push_back({"xsave", partition_->has_xsave()});
    }
    if (memory_ != nullptr) record.push_back({"memory-ranges", memory_->count()});
    record.push_back({"cpus", std::move(cpus)});
    return record;
  }

  DebugSupport debug_support() const override {
    if (has_local_apics())
      return {
          .missing =
              "accelerator whpx debugs no guest whose local APICs are the platform's: use -accel "
              "whpx,kernel-irqchip=off"};
    if (partition_ == nullptr || !partition_->has_exception_exits())
      return {.step = true,
              .missing = "this platform tells of no exceptions: there are only steps"};
    return {.step = true, .code = true, .data = true, .missing = {}};
  }
  void set_debug_points(const DebugPoints& points) override {
    const auto uses = x86::assign_debug_registers(points, "WHPX");
    partition_->set_exception_exits(uses.empty() ? 0 : u64{1} << x86::kDB);
    for (WhpxVcpu* vcpu : vcpus_) vcpu->set_debug_points(uses);
  }

  void expect_saves_state() const override {
    if (has_local_apics())
      throw Error("accelerator whpx saves no machine whose local APICs are the platform's",
                  "use -accel whpx,kernel-irqchip=off");
    for (const WhpxVcpu* vcpu : vcpus_) vcpu->expect_saves_state();
  }

  // The platform answers the leaves of CPUID that tell it.
  u64 timer_frequency() const override { return 0; }
  void deliver(const x86::InterruptMessage& message) override {
    request_interrupt(*partition_, message);
  }

 private:
  bool has_local_apics() const override {
    return partition_ != nullptr && partition_->has_platform_apics();
  }

  static std::optional<std::string> unavailable_reason() {
    try {
      require_hypervisor(Dispatch(LibraryNames{}));
      return std::nullopt;
    } catch (const Error& error) {
      return error.what();
    }
  }

  // The platform lets guest time go on by itself when a processor runs.
  void run_state_changed(bool running) {
    if (dispatch_->WHvSuspendPartitionTime == nullptr) {
      for (WhpxVcpu* vcpu : vcpus_) running ? vcpu->put_tsc_back() : vcpu->keep_tsc();
      return;
    }
    if (running) return;
    dispatch_->WHvSuspendPartitionTime(partition_->handle());
    for (WhpxVcpu* vcpu : vcpus_) vcpu->time_was_suspended();
  }

  OnOffAuto irqchip_ = OnOffAuto::Auto;
  std::string platform_library_ = LibraryNames{}.platform;
  std::string emulation_library_ = LibraryNames{}.emulation;

  Machine* machine_ = nullptr;
  Subscription run_state_;
  std::unique_ptr<Dispatch> dispatch_;
  std::unique_ptr<Partition> partition_;
  std::unique_ptr<GuestMemory> memory_;
  std::vector<WhpxVcpu*> vcpus_;
  VcpuThreads threads_;
};

}  // namespace
}  // namespace backplane::whpx

using backplane::whpx::WhpxAccel;
BACKPLANE_MODULE("accel-whpx", "0.1", "Hardware accelerator: the Windows Hypervisor Platform")
BACKPLANE_TYPE(WhpxAccel, "whpx-accel",
               .description = "hardware virtualisation by the Windows Hypervisor Platform")
