// SPDX-License-Identifier: MIT
// Local APICs that are the platform's.
#include "interrupts/platform_apic.h"

#include "backplane/accelerator.h"
#include "backplane/error.h"
#include "vcpu_fixture.h"

namespace backplane::whpx::testing {
namespace {

using x86::DeliveryMode;

// A machine whose accelerator is the real one.
class ApicMachine final : public Machine {
  BACKPLANE_OBJECT(ApicMachine, Machine, "whpx-apic-machine")
 public:
  void init() override {}
};
BACKPLANE_REGISTER(ApicMachine);

const PartitionOptions kWithApics{.platform_apics = OnOffAuto::On};

struct Listener : x86::IoApicEoi {
  void end_of_interrupt(u8 vector) override { vectors.push_back(vector); }
  std::vector<u8> vectors;
};

class WhpxPlatformApic : public Scripted {
 protected:
  WhpxPlatformApic() {
    script.features.LocalApicEmulation = 1;
    auto accelerator = create_object<Accelerator>("whpx-accel");
    accelerator->set_property("platform-library", kLibrary);
    accelerator->set_property("emulation-library", kLibrary);
    machine.config().topology.cores = 3;
    machine.set_accelerator(std::move(accelerator));
    machine.phases().advance(Phase::AccelCreated);
    for (unsigned n = 0; n < 3; ++n) machine.add_cpu(x86::create_cpu(machine, "max"));
  }
  void TearDown() override {
    machine.tear_down();
    Scripted::TearDown();
  }
  x86::X86Cpu& cpu(unsigned n) { return static_cast<x86::X86Cpu&>(*machine.cpus()[n]); }
  // What the machine asked the platform for: type, destination, vector.
  std::vector<std::array<u64, 3>> requested() {
    std::vector<std::array<u64, 3>> all;
    for (const WHV_INTERRUPT_CONTROL& i : script.interrupts)
      all.push_back({i.Type, i.Destination, i.Vector});
    return all;
  }

  MachineLock::Guard lock;
  Dispatch dispatch{kLibraries};
  ApicMachine machine;
};

TEST_F(WhpxPlatformApic, IsChosenWhereThePlatformHasIt) {
  EXPECT_EQ(property(WHvPartitionPropertyCodeLocalApicEmulationMode), 1U);  // xAPIC
  EXPECT_EQ(property(WHvPartitionPropertyCodeExtendedVmExits), 0x47U);      // with INIT and SIPI
  EXPECT_FALSE(script.properties.contains(WHvPartitionPropertyCodeX64MsrExitBitmap));
  EXPECT_NE(x86::PlatformInterrupts::of(machine), nullptr);
}

TEST_F(WhpxPlatformApic, TakesMessages) {
  x86::deliver_interrupt(machine, {.destination = 2,
                                   .logical = true,
                                   .mode = DeliveryMode::LowestPriority,
                                   .vector = 0x51,
                                   .level_triggered = true});
  ASSERT_EQ(script.interrupts.size(), 1U);
  const WHV_INTERRUPT_CONTROL& control = script.interrupts[0];
  EXPECT_EQ(control.Type, u64{WHvX64InterruptTypeLowestPriority});
  EXPECT_EQ(control.DestinationMode, u64{WHvX64InterruptDestinationModeLogical});
  EXPECT_EQ(control.TriggerMode, u64{WHvX64InterruptTriggerModeLevel});
  EXPECT_EQ(control.Destination, 2U);
  EXPECT_EQ(control.Vector, 0x51U);
  x86::deliver_msi(machine, 0xfee01000, 0x61);
  EXPECT_EQ(script.interrupts.at(1).Destination, 1U);
  x86::deliver_interrupt(machine, {.mode = DeliveryMode::ExtInt});
  EXPECT_EQ(script.interrupts.size(), 2U);
}

TEST_F(WhpxPlatformApic, GetsStartUpMessagesPerDestination) {
  const Partition partition(dispatch, kWithApics);
  constexpr u64 kInit = 5 << 8, kStartup = 6 << 8;
  send_startup(partition, machine, 1, kInit | u64{2} << 56);
  send_startup(partition, machine, 1, kStartup | 0x9a | u64{3} << 18);  // all but self
  send_startup(partition, machine, 1, kInit | u64{2} << 18);            // all
  send_startup(partition, machine, 1, kInit | u64{1} << 18);            // self
  send_startup(partition, machine, 1, 0x41);                            // neither
  EXPECT_EQ(
      requested(),
      (std::vector<std::array<u64, 3>>{
          {5, 2, 0}, {6, 0, 0x9a}, {6, 2, 0x9a}, {5, 0, 0}, {5, 1, 0}, {5, 2, 0}, {5, 1, 0}}));
}

TEST_F(WhpxPlatformApic, ItsStateIsMirrored) {
  auto& vcpu = dynamic_cast<WhpxVcpu&>(*cpu(1).vcpu());
  // The thread has done this as well when it started.
  cpu(1).run_on_thread([&] { vcpu.put_state(); });
  EXPECT_EQ(script.processors[1].apic[2], 1U << 24);  // its ID
  EXPECT_EQ(script.processors[1].registers[WHvRegisterInternalActivityState].Reg64, 1U);
  EXPECT_FALSE(cpu(1).halted());
  script.processors[1].apic[0xf] = 0x1ff;
  script.processors[1].registers[WHvX64RegisterApicBase].Reg64 = 0xfee00800;
  cpu(1).run_on_thread([&] { vcpu.get_state(); });
  EXPECT_EQ(cpu(1).apic().page()[0xf], 0x1ffU);
}

// A processor that no thread runs, with the second CPU's mirror.
class WhpxPlatformDelivery : public WhpxPlatformApic {
 protected:
  void TearDown() override {
    parts.reset();
    WhpxPlatformApic::TearDown();
  }
  WHV_REGISTER_VALUE& reg(WHV_REGISTER_NAME name) { return script.processors[7].registers[name]; }
  void prepare() {
    RegisterBatch entry;
    parts->delivery.prepare(entry);
    if (!entry.empty()) parts->processor.set(entry);
  }
  void set_lint0(u32 entry) { script.processors[7].apic[0x35] = entry; }

  struct Parts {
    Partition partition;
    VirtualProcessor processor;
    PlatformApicDelivery delivery;
    Parts(const Dispatch& dispatch, const PartitionOptions& options, x86::X86Cpu& cpu)
        : partition(dispatch, options), processor(partition, 7), delivery(cpu, processor) {}
  };
  std::unique_ptr<Parts> parts = std::make_unique<Parts>(dispatch, kWithApics, cpu(0));
};

TEST_F(WhpxPlatformDelivery, ThePicsInterruptWaitsForTheWindowAndWakes) {
  cpu(0).set_pic_acknowledge([] { return 0x23; });
  reg(WHvX64RegisterApicBase).Reg64 = 0xfee00900;
  reg(WHvRegisterInternalActivityState).Reg64 = 2;  // HLT
  set_lint0(0x10000 | 7 << 8);                      // masked
  cpu(0).apic().set_lint(0, true);
  prepare();
  EXPECT_EQ(reg(WHvX64RegisterDeliverabilityNotifications).Reg64, 0U);
  set_lint0(7 << 8);
  prepare();
  EXPECT_EQ(reg(WHvX64RegisterDeliverabilityNotifications).Reg64, 2U);
  EXPECT_EQ(reg(WHvRegisterPendingEvent).Reg64, 0U);
  parts->delivery.window_opened();
  prepare();
  const WHV_X64_PENDING_EXT_INT_EVENT event = reg(WHvRegisterPendingEvent).ExtIntEvent;
  EXPECT_EQ(event.EventPending, 1U);
  EXPECT_EQ(event.EventType, 5U);
  EXPECT_EQ(event.Vector, 0x23U);
  EXPECT_EQ(reg(WHvRegisterInternalActivityState).Reg64, 0U);
  cpu(0).apic().set_lint(0, false);
}

TEST_F(WhpxPlatformDelivery, TheNmiPinGoesThroughLint1) {
  reg(WHvX64RegisterApicBase).Reg64 = 0xfee00900;
  script.processors[7].apic[0x36] = 0x10000 | 4 << 8;  // masked
  cpu(0).raise_nmi();
  prepare();
  EXPECT_TRUE(script.interrupts.empty());
  script.processors[7].apic[0x36] = 4 << 8;
  cpu(0).raise_nmi();
  prepare();
  EXPECT_EQ(requested(), (std::vector<std::array<u64, 3>>{{4, 0, 0}}));
}

using WhpxIrqchip = Scripted;

TEST_F(WhpxIrqchip, OnNeedsAllOfIt) {
  const Dispatch dispatch(kLibraries);
  PartitionOptions options;
  options.platform_apics = OnOffAuto::On;
  const auto [line, system] = error_of([&] { const Partition partition(dispatch, options); });
  EXPECT_EQ(line, "WHPX: kernel-irqchip=on, but this platform has no local APICs");
  EXPECT_EQ(system, "Invalid argument");
  EXPECT_EQ(script.calls.back(), "WHvDeletePartition");
  options.platform_apics = OnOffAuto::Auto;
  EXPECT_FALSE(Partition(dispatch, options).has_platform_apics());
  script.features.LocalApicEmulation = 1;
  EXPECT_TRUE(Partition(dispatch, options).has_platform_apics());
  options.platform_apics = OnOffAuto::Off;
  EXPECT_FALSE(Partition(dispatch, options).has_platform_apics());
}

class WhpxPlatformExits : public ScriptedVcpu {};

TEST_F(WhpxPlatformExits, AnEndOfInterruptReachesTheIoApics) {
  Listener listener;
  x86::ApicBus& bus = x86::ApicBus::of(machine);
  bus.add_eoi_listener(listener);
  auto exit = exit_for(WHvRunVpExitReasonX64ApicEoi);
  exit.ApicEoi.InterruptVector = 0x71;
  run({exit});
  EXPECT_EQ(listener.vectors, std::vector<u8>{0x71});
  bus.remove_eoi_listener(listener);
}

TEST_F(WhpxPlatformExits, AStartUpMessageIsSentOn) {
  auto exit = exit_for(WHvRunVpExitReasonX64ApicInitSipiTrap);
  exit.ApicInitSipi.ApicIcr = 6 << 8 | 0x10 | u64{1} << 56;
  run({exit});
  ASSERT_EQ(script.interrupts.size(), 1U);
  EXPECT_EQ(script.interrupts[0].Type, u64{WHvX64InterruptTypeSipi});
  EXPECT_EQ(script.interrupts[0].Destination, 1U);
  EXPECT_EQ(script.interrupts[0].Vector, 0x10U);
}

}  // namespace
}  // namespace backplane::whpx::testing
