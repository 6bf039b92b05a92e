// SPDX-License-Identifier: MIT
// Interrupts of our own controllers on their way into a virtual processor.
#pragma once

#include "backplane/x86/cpu.h"
#include "vcpu/virtual_processor.h"

namespace backplane::whpx {

// All on the virtual processor's thread.
class InterruptDelivery {
 public:
  InterruptDelivery(x86::X86Cpu& cpu, const VirtualProcessor& processor)
      : cpu_(cpu), processor_(processor) {}

  // What the processor can take, as of an exit, or as of a state that was stored.
  void take(const WHV_VP_EXIT_CONTEXT& exit);
  void take(const x86::X86State& state);
  // The window that was asked for is open; it is to be asked for again.
  void window_opened() { window_.AsUINT64 = 0; }

  // Adds to what is set before a run: the interrupt to deliver, if one can be, a window for those
  // that cannot, and the task priority. Takes the machine lock.
  void prepare(RegisterBatch& entry);
  // The last instruction's emulation raised an exception.
  void event_was_set() { pending_ = true; }
  // Adds an exception that the last instruction raised.
  void inject_exception(RegisterBatch& entry, u8 vector, bool has_error_code, u32 error_code);
  // Adds that nothing is on its way any more: the CPU was reset.
  void drop(RegisterBatch& entry);

  bool nmi_masked() const;

 private:
  void prepare_nmi(RegisterBatch& entry);
  void prepare_hard(RegisterBatch& entry);
  void inject(RegisterBatch& entry, WHV_X64_PENDING_INTERRUPTION_TYPE type, u8 vector);

  x86::X86Cpu& cpu_;
  const VirtualProcessor& processor_;
  bool interrupt_flag_ = false;
  bool shadow_ = false;
  bool pending_ = false;  // an event is on its way already
  u8 task_priority_ = 0;  // the processor's CR8
  WHV_X64_DELIVERABILITY_NOTIFICATIONS_REGISTER window_{}, wanted_{};
};

}  // namespace backplane::whpx
