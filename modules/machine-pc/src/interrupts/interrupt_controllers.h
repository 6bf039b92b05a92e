// SPDX-License-Identifier: MIT
// "pc-interrupts": the 8259 pair, the IOAPIC, and the wires to them.
//
// An ISA IRQ reaches both controllers at its own number, but IRQ 0 is pin 2 of the IOAPIC. A PIRQ
// has its own IOAPIC pin, 16 to 19, and reaches whatever 8259 input the PIIX3 routes it to.
//
// An accelerator may have these chips itself: then the wires end there.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "backplane/command.h"
#include "backplane/device.h"
#include "backplane/isa/isa_device.h"
#include "backplane/memory.h"
#include "backplane/trace.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/platform_interrupts.h"
#include "interrupts/i8259.h"
#include "interrupts/ioapic.h"

namespace backplane::pc {

class InterruptControllers final : public Device,
                                   public IsaIrqs,
                                   public CommandProvider,
                                   public IrqPins,
                                   private IrqSink,
                                   private x86::IoApicEoi {
  BACKPLANE_OBJECT(InterruptControllers, Device, "pc-interrupts")
 public:
  static constexpr unsigned kTimerPin = 2;  // of the IOAPIC
  static constexpr unsigned kFirstPirqPin = 16;
  static constexpr unsigned kPicInputs = 16;

  static void class_init(DeviceClass& k);
  ~InterruptControllers() override;

  // Lines of one destination are wired together: any of them high asserts it.
  IrqLine isa_irq(unsigned number) override;
  bool isa_edge_pending(unsigned number) const override {
    return edge_pending(number == 0 ? kTimerPin : number);
  }
  IrqLine pic_line(unsigned input) { return new_line(static_cast<int>(input), -1, false); }
  IrqLine ioapic_line(unsigned pin) { return new_line(-1, static_cast<int>(pin), false); }
  // The HPET's lines that stand in for IRQ 0 and IRQ 8.
  IrqLine legacy_timer_line(unsigned irq);
  // While on, what drives IRQ 0 and IRQ 8 through isa_irq() is cut off.
  void set_legacy_replacement(bool on);

  // Whether the guest has yet to take an edge that came in at an IOAPIC pin, or at the 8259 input
  // of the ISA IRQ that is wired to it. Controllers of an accelerator are not asked.
  bool edge_pending(unsigned pin) const;

  // Makes an 8259 input level-triggered, as firmware does.
  void set_level_triggered(unsigned irq);
  // The chipset's INTA cycle, for the boot processor.
  void connect_cpu(x86::X86Cpu& boot_processor);

  void realize();
  void unrealize();
  void reset() override;
  void saving() override;
  void loaded() override;

  std::span<const Command> commands() const override;
  // "ioapic" and "pic", whose output is the line to the processors.
  std::vector<IrqPins::Inputs> irq_inputs() override;
  std::vector<IrqPins::Output> irq_outputs() override;

 private:
  struct Source {
    int pic;     // 8259 input, or -1
    int ioapic;  // IOAPIC pin, or -1
    bool replaceable;
    bool level;   // as the device drives it
    bool passed;  // as the controllers see it
    static std::span<const StateMember> members();
  };
  // What the devices drive, which is not reset: they do it.
  struct Wires {
    std::vector<Source> sources;
    bool legacy_replacement = false;
    void reset() {}
    static std::span<const StateMember> members();
  };

  IrqLine new_line(int pic, int ioapic, bool replaceable);
  void set_irq(unsigned source, bool level) override;
  void pass(Source& source);
  void end_of_interrupt(u8 vector) override { ioapic_->end_of_interrupt(vector); }
  void make_controllers();
  void map_ports(const char* name, u64 base, const MmioHandler& handler);
  void ioapic_changed();
  Value describe_controllers() const;
  // Whether a local APIC has a vector as requested or in service.
  bool has_interrupt(u8 vector) const;

  template <unsigned Chip>
  u64 read_pic(u64 offset, unsigned size);
  template <unsigned Chip>
  void write_pic(u64 offset, u64 value, unsigned size);
  u64 read_elcr(u64 offset, unsigned size);
  void write_elcr(u64 offset, u64 value, unsigned size);

  TracePoint trace_{"pc-interrupts"};
  x86::PlatformInterrupts* platform_ = nullptr;  // whose local APICs there are, if not ours
  // Whose chips there are: then the next two only hold what those have while the machine is saved
  // and loaded.
  x86::PlatformChipset* chipset_ = nullptr;
  std::unique_ptr<PicPair> pics_;
  std::unique_ptr<IoApic> ioapic_;
  IrqSink* pic_inputs_ = nullptr;
  IrqSink* ioapic_inputs_ = nullptr;
  std::vector<std::unique_ptr<MemoryRegion>> regions_;
  Wires wires_;
  bool was_loaded_ = false;  // and has not run since
  Subscription run_state_;
  std::array<unsigned, kPicInputs> pic_asserted_{};
  std::array<unsigned, IoApic::kInputs> ioapic_asserted_{};
};

}  // namespace backplane::pc
