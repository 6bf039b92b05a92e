// SPDX-License-Identifier: MIT
#include "interrupts/platform_apic.h"

#include <cstring>

#include "backplane/machine_lock.h"
#include "partition/failure.h"

namespace backplane::whpx {
namespace {

using x86::DeliveryMode;
using x86::LocalApic;

// The registers as their page has them: each at a multiple of 16 bytes.
struct RegisterPage {
  struct Register {
    u32 value;
    u32 padding[3];
  };
  Register registers[256] = {};
};
static_assert(sizeof(RegisterPage) == 4096);

constexpr u32 kLvtMasked = 1u << 16;
constexpr u32 delivery_mode(u32 entry) { return entry >> 8 & 7; }

// ICR: shorthands of the destination.
enum Shorthand : unsigned { kNoShorthand, kSelf, kAll, kAllButSelf };

}  // namespace

void request_interrupt(const Partition& partition, const x86::InterruptMessage& message) {
  if (message.mode == DeliveryMode::ExtInt || message.mode == DeliveryMode::Smi) return;
  WHV_INTERRUPT_CONTROL control{};
  // The numbers of delivery modes are those of the architecture.
  control.Type = static_cast<u8>(message.mode);
  control.DestinationMode = message.logical ? WHvX64InterruptDestinationModeLogical
                                            : WHvX64InterruptDestinationModePhysical;
  control.TriggerMode =
      message.level_triggered ? WHvX64InterruptTriggerModeLevel : WHvX64InterruptTriggerModeEdge;
  control.Destination = message.destination;
  control.Vector = message.vector;
  partition.dispatch().WHvRequestInterrupt(partition.handle(), &control, sizeof control);
}

void send_startup(const Partition& partition, const Machine& machine, unsigned sender, u64 icr) {
  x86::InterruptMessage message;
  message.mode = static_cast<DeliveryMode>(icr >> 8 & 7);
  message.vector = static_cast<u8>(icr);
  if (message.mode != DeliveryMode::Init && message.mode != DeliveryMode::Startup) return;
  const auto shorthand = static_cast<Shorthand>(icr >> 18 & 3);
  if (shorthand == kNoShorthand) {
    message.destination = static_cast<u32>(icr >> 56);
    message.logical = (icr >> 11 & 1) != 0;
    return request_interrupt(partition, message);
  }
  for (Cpu* cpu : machine.cpus()) {
    const u32 id = dynamic_cast<x86::X86Cpu&>(*cpu).apic().id();
    const bool is_self = id == sender;
    if (shorthand == kSelf ? !is_self : shorthand == kAllButSelf && is_self) continue;
    message.destination = id;
    request_interrupt(partition, message);
  }
}

void load_local_apic(const VirtualProcessor& processor, x86::X86Cpu& cpu) {
  const u64 base = processor.get(WHvX64RegisterApicBase).Reg64;
  RegisterPage from;
  processor.get_local_apic(&from, sizeof from);
  x86::ApicPage page;
  for (std::size_t n = 0; n < page.size(); ++n) page[n] = from.registers[n].value;
  const MachineLock::Guard lock;
  cpu.apic().load_page(base, page);
}

void store_local_apic(const VirtualProcessor& processor, x86::X86Cpu& cpu) {
  x86::ApicPage page;
  {
    const MachineLock::Guard lock;
    page = cpu.apic().page();
  }
  RegisterPage to;
  for (std::size_t n = 0; n < page.size(); ++n) to.registers[n].value = page[n];
  processor.set(WHvX64RegisterApicBase, cpu.apic().base());
  processor.set_local_apic(&to, sizeof to);
}

void PlatformApicDelivery::take(const WHV_VP_EXIT_CONTEXT& exit) {
  InterruptDelivery::take(exit);
  window_is_open_ = false;
}

void PlatformApicDelivery::window_opened() {
  InterruptDelivery::window_opened();
  window_is_open_ = true;
}

void PlatformApicDelivery::prepare(RegisterBatch& entry) {
  const u32 requests = cpu_.interrupt_request();
  if ((requests & x86::kRequestNmi) != 0) prepare_nmi();
  if ((requests & x86::kRequestHard) != 0) prepare_pic(entry);
}

void PlatformApicDelivery::prepare_nmi() {
  u8 count = 0;
  {
    const MachineLock::Guard lock;
    while (cpu_.take_nmi()) ++count;
  }
  load_local_apic(processor_, cpu_);
  if (!cpu_.apic().lint1_delivers_nmi()) return;
  for (; count > 0; --count)
    request_interrupt(processor_.partition(), {.destination = cpu_.apic().id(),
                                               .logical = false,
                                               .mode = DeliveryMode::Nmi,
                                               .vector = 0,
                                               .level_triggered = false});
}

// Whether LINT0 passes the 8259's interrupts on. [SDM 3A "Local Vector Table"]
bool PlatformApicDelivery::pic_gets_through() {
  load_local_apic(processor_, cpu_);
  if (!cpu_.apic().enabled()) return true;
  const u32 entry = cpu_.apic().page()[LocalApic::kLvtLint0];
  return (entry & kLvtMasked) == 0 &&
         delivery_mode(entry) == static_cast<u32>(DeliveryMode::ExtInt);
}

void PlatformApicDelivery::prepare_pic(RegisterBatch& entry) {
  if (pending_ || !window_is_open_) {
    WHV_X64_DELIVERABILITY_NOTIFICATIONS_REGISTER wanted{};
    wanted.InterruptNotification = 1;
    if (pic_gets_through()) request(entry, wanted);
    return;
  }
  int vector;
  {
    const MachineLock::Guard lock;
    vector = cpu_.acknowledge_interrupt();
  }
  if (vector < 0) return;
  WHV_X64_PENDING_EXT_INT_EVENT& event = entry.add(WHvRegisterPendingEvent).ExtIntEvent;
  event.EventPending = 1;
  event.EventType = WHvX64PendingEventExtInt;
  event.Vector = static_cast<u8>(vector);
  // HLT is the platform's, which such an event does not wake.
  WHV_INTERNAL_ACTIVITY_REGISTER activity =
      processor_.get(WHvRegisterInternalActivityState).InternalActivity;
  if (activity.HaltSuspend != 0) {
    activity.HaltSuspend = 0;
    entry.add(WHvRegisterInternalActivityState, activity.AsUINT64);
  }
  pending_ = true;
}

}  // namespace backplane::whpx
