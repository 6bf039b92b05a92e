// SPDX-License-Identifier: MIT
// Local APICs of the platform: messages to them, what they tell, and what still comes from outside.
// [WHP "WHvRequestInterrupt", "WHvGetVirtualProcessorInterruptControllerState2"]
#pragma once

#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "interrupts/delivery.h"

namespace backplane::whpx {

// Sends a message. One that the platform does not take (it addresses nobody, or is of a kind that
// goes to the 8259's processor) is dropped. Any thread.
void request_interrupt(const Partition& partition, const x86::InterruptMessage& message);

// Sends the INIT or SIPI that a guest wrote to its ICR, to each destination.
// [SDM 3A "Interrupt Command Register (ICR)"]
void send_startup(const Partition& partition, const Machine& machine, u32 sender, u64 icr);

// Between the processor's local APIC and our mirror of it. Throw Error.
void load_local_apic(const VirtualProcessor& processor, x86::X86Cpu& cpu);
void store_local_apic(const VirtualProcessor& processor, x86::X86Cpu& cpu);

// What reaches the processor beside its local APIC's interrupts: the 8259's, and the NMI pin.
class PlatformApicDelivery final : public InterruptDelivery {
 public:
  PlatformApicDelivery(x86::X86Cpu& cpu, const VirtualProcessor& processor)
      : InterruptDelivery(cpu, processor) {}

  void take(const WHV_VP_EXIT_CONTEXT& exit) override;
  void window_opened() override;
  void prepare(RegisterBatch& entry) override;

 private:
  void prepare_nmi();
  void prepare_pic(RegisterBatch& entry);
  bool pic_gets_through();

  bool window_is_open_ = false;
};

}  // namespace backplane::whpx
