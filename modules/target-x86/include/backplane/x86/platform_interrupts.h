// SPDX-License-Identifier: MIT
// Interrupt controllers that an accelerator runs itself (in the kernel, in the hypervisor) in place
// of the emulator's models: the local APICs of all CPUs, and perhaps the board's chips as well.
//
// Everything here is called with the machine lock held unless it says otherwise.
#pragma once

#include <array>
#include <span>

#include "backplane/irq.h"
#include "backplane/types.h"
#include "backplane/value.h"
#include "backplane/x86/version.h"

namespace backplane {
class Machine;
}

namespace backplane::x86 {

struct InterruptMessage;

// A local APIC's registers as its page has them: one for each 16 bytes, by LocalApic::Register.
using ApicPage = std::array<u32, 64>;

// What these chips have in them, whosever they are; for a machine that is saved and loaded. The
// chips' models have the same in the same words (modules/machine-pc/src/interrupts, i8254).
struct PicRegisters {
  u8 levels = 0;    // of the inputs
  u8 requests = 0;  // not yet acknowledged
  u8 imr = 0, isr = 0, elcr = 0;
  u8 vector_base = 0;
  u8 lowest = 7;     // the input of lowest priority
  u8 init_step = 0;  // ICW awaited next, 2 to 4; 0: none
  bool needs_icw4 = false;
  bool auto_eoi = false, rotate_on_auto_eoi = false;
  bool special_mask = false, special_fully_nested = false;
  bool poll = false, read_isr = false;
};
struct IoApicRegisters {
  u8 select = 0;
  u8 id = 0;
  u32 levels = 0;                    // of the inputs
  std::array<u64, 24> entries = {};  // the redirection table
};
struct ControllerRegisters {
  std::array<PicRegisters, 2> pics;
  IoApicRegisters ioapic;
};
struct TimerChannelRegisters {
  u8 access = 3;  // to the bytes of the count, as in the control word
  u8 mode = 0;
  bool bcd = false;
  bool gate = true;
  bool loaded = false;  // a count was written since the control word
  u32 count = 0x10000;
  i64 elapsed = 0;                             // nanoseconds of it
  bool write_high = false, read_high = false;  // the next byte is the high one
  u8 write_low = 0;
  bool value_latched = false, status_latched = false;
  u16 latched_value = 0;
  u8 latched_status = 0;
};
struct TimerRegisters {
  std::array<TimerChannelRegisters, 3> channels;
  bool speaker = false;  // bit 1 of port 61h
};

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
  // While the machine is stopped. A count begins anew.
  virtual ControllerRegisters controllers() const = 0;
  virtual void set_controllers(const ControllerRegisters& registers) = 0;
  virtual TimerRegisters timer_registers() const = 0;
  virtual void set_timer_registers(const TimerRegisters& registers) = 0;
  // For query-irq: a record of "pics", a list of the two 8259, and "ioapic", each with the members
  // that the board's own have.
  virtual Value describe_chips() const = 0;

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
