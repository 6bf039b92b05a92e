// SPDX-License-Identifier: MIT
// Interrupt controllers that an accelerator runs itself (in the kernel, in the hypervisor) in place
// of the emulator's models: the local APICs of all CPUs, and perhaps the board's chips as well.
//
// Everything here is called with the machine lock held unless it says otherwise.
#pragma once

#include <array>
#include <span>
#include <string>

#include "backplane/irq.h"
#include "backplane/types.h"

namespace backplane {
class Machine;
}

namespace backplane::x86 {

struct InterruptMessage;

// A local APIC's registers as its page has them: one for each 16 bytes, by LocalApic::Register.
using ApicPage = std::array<u32, 64>;

// The 8259 pair, the I/O APIC and the 8254 of an accelerator. They answer at their usual ports and
// addresses, and counter 0 of the 8254 is wired to IRQ 0.
class PlatformChipset {
 public:
  // Inputs 0 to 15 of the 8259 pair, and 0 to 23 of the I/O APIC.
  virtual IrqSink& pic() = 0;
  virtual IrqSink& ioapic() = 0;
  // Makes an input of the 8259 pair level-triggered, as firmware does for PCI's.
  virtual void set_level_triggered(unsigned irq) = 0;
  // Back to the state at power-on.
  virtual void reset_controllers() = 0;
  virtual void reset_timer() = 0;
  // Cuts counter 0 off its interrupt while something else drives IRQ 0 (the HPET).
  virtual void set_timer_cut_off(bool cut_off) = 0;
  // Whether ticks that the guest could not take in time are delivered late.
  virtual void set_late_ticks(bool delivered) = 0;
  // The timer's time stands still while the machine is stopped.
  virtual void set_timer_running(bool running) = 0;
  // For `info irq`.
  virtual std::string describe() const = 0;

 protected:
  ~PlatformChipset() = default;
};

// An accelerator that can have local APICs of its own derives from this. The CPUs' LocalApic
// objects then only hold the state for reset and inspection (LocalApic::load_page, page), and pass
// on the 8259's line: Vcpu implementations answer kRequestHard by what the 8259 acknowledges.
class PlatformInterrupts {
 public:
  // The machine's accelerator, if it has local APICs of its own; else null.
  static PlatformInterrupts* of(const Machine& machine);

  // What its local APICs' timers count, in Hz (before the divider); 0 if that is not known.
  virtual u64 timer_frequency() const = 0;

  // Sends a message to the local APICs: from the I/O APIC, or message-signalled.
  virtual void deliver(const InterruptMessage& message) = 0;

  // What the inputs of the emulator's I/O APIC send now; an input that is masked has no entry. The
  // accelerator calls ApicBus::broadcast_eoi() when a CPU is done with a level-triggered one.
  struct IoApicMessage {
    unsigned input;
    u64 address;
    u32 data;
    bool operator==(const IoApicMessage&) const = default;
  };
  virtual void ioapic_changed(std::span<const IoApicMessage> /*messages*/) {}

  // Its chips, if it has those too; else they are the emulator's.
  virtual PlatformChipset* chipset() { return nullptr; }

 protected:
  ~PlatformInterrupts() = default;
  // Whether it has local APICs in this machine; settled before the first CPU is made.
  virtual bool has_local_apics() const = 0;
};

}  // namespace backplane::x86
