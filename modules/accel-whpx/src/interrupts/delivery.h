// SPDX-License-Identifier: MIT
// Events on their way into a virtual processor. [WHP "Virtual Processor Register Names and Values":
// event management]
#pragma once

#include "backplane/x86/cpu.h"
#include "vcpu/virtual_processor.h"

namespace backplane::whpx {

// What is common to both kinds of local APICs. All on the virtual processor's thread.
class InterruptDelivery {
 public:
  virtual ~InterruptDelivery() = default;

  // What the processor can take, as of an exit, or as of a state that was stored.
  virtual void take(const WHV_VP_EXIT_CONTEXT& exit);
  virtual void take(const x86::X86State& /*state*/) {}
  // The window that was asked for is open; it is to be asked for again.
  virtual void window_opened() { window_.AsUINT64 = 0; }
  // The last instruction's emulation raised an exception.
  void event_was_set() { pending_ = true; }

  // Adds to what is set before a run: the interrupt to deliver, if one can be, and a window for one
  // that cannot. Takes the machine lock.
  virtual void prepare(RegisterBatch& entry) = 0;
  // Adds an exception that the last instruction raised.
  void inject_exception(RegisterBatch& entry, u8 vector, bool has_error_code, u32 error_code);
  // Adds that nothing is on its way any more: the CPU was reset.
  void drop(RegisterBatch& entry);

  bool nmi_masked() const;

 protected:
  InterruptDelivery(x86::X86Cpu& cpu, const VirtualProcessor& processor)
      : cpu_(cpu), processor_(processor) {}
  // Adds the windows that are wanted, unless they were asked for before.
  void request(RegisterBatch& entry, WHV_X64_DELIVERABILITY_NOTIFICATIONS_REGISTER wanted);

  x86::X86Cpu& cpu_;
  const VirtualProcessor& processor_;
  bool pending_ = false;  // an event is on its way already

 private:
  WHV_X64_DELIVERABILITY_NOTIFICATIONS_REGISTER window_{};
};

}  // namespace backplane::whpx
