// SPDX-License-Identifier: MIT
// Interrupts of our own local APIC.
#pragma once

#include "interrupts/delivery.h"

namespace backplane::whpx {

class OwnApicDelivery final : public InterruptDelivery {
 public:
  OwnApicDelivery(x86::X86Cpu& cpu, const VirtualProcessor& processor)
      : InterruptDelivery(cpu, processor) {}

  void take(const WHV_VP_EXIT_CONTEXT& exit) override;
  void take(const x86::X86State& state) override;
  // The task priority as well.
  void prepare(RegisterBatch& entry) override;

 private:
  void prepare_nmi(RegisterBatch& entry);
  void prepare_hard(RegisterBatch& entry);
  void inject(RegisterBatch& entry, WHV_X64_PENDING_INTERRUPTION_TYPE type, u8 vector);

  bool interrupt_flag_ = false;
  bool shadow_ = false;
  u8 task_priority_ = 0;  // the processor's CR8
  WHV_X64_DELIVERABILITY_NOTIFICATIONS_REGISTER wanted_{};
};

}  // namespace backplane::whpx
