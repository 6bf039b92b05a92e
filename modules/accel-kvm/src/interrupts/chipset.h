// SPDX-License-Identifier: MIT
// The kernel's 8259 pair, I/O APIC and 8254. [Linux Documentation/virt/kvm/api.rst
// "KVM_CREATE_IRQCHIP", "KVM_CREATE_PIT2"]
#pragma once

#include <linux/kvm.h>

#include <optional>

#include "backplane/x86/platform_interrupts.h"
#include "interrupts/gsi_routing.h"

namespace backplane::kvm {

// Of a channel of the 8254 that was never programmed: it does not interrupt.
constexpr u8 kNoMode = 0xff;

class KernelChipset final : public x86::PlatformChipset {
 public:
  // The first GSI that the chips do not use.
  static constexpr u32 kGsis = 40;

  // Creates the chips and routes their inputs; before the first vCPU. Throws Error.
  KernelChipset(const Descriptor& vm, GsiRouting& routing);

  IrqSink& pic() override { return pic_; }
  IrqSink& ioapic() override { return ioapic_; }
  void set_level_triggered(unsigned irq) override;
  void reset_controllers() override;
  void reset_timer() override;
  void set_timer_cut_off(bool cut_off) override;
  void set_late_ticks(bool delivered) override;
  void set_timer_running(bool running) override;
  x86::ControllerRegisters controllers() const override;
  void set_controllers(const x86::ControllerRegisters& registers) override;
  x86::TimerRegisters timer_registers() const override;
  void set_timer_registers(const x86::TimerRegisters& registers) override;
  Value describe_chips() const override;

 private:
  class TimerWatch;
  // The inputs of a chip as GSIs: one each, so that a wire reaches what it is soldered to. GSI 0 is
  // the 8254's, and reaches both chips.
  class Inputs final : public IrqSink {
   public:
    Inputs(const Descriptor& vm, u32 first_gsi) : vm_(vm), first_gsi_(first_gsi) {}
    void set_irq(unsigned input, bool level) override;

   private:
    const Descriptor& vm_;
    u32 first_gsi_;
  };

  static constexpr u32 kTimerPicInput = 0, kTimerIoApicInput = 2;
  static constexpr u32 kPicChips[] = {KVM_IRQCHIP_PIC_MASTER, KVM_IRQCHIP_PIC_SLAVE};
  // What the kernel's timer goes by, in nanoseconds.
  static i64 host_time();
  kvm_irqchip chip(u32 id) const;
  void set_chip(const kvm_irqchip& state) const;
  kvm_pit_state2 timer() const;
  void set_timer(const kvm_pit_state2& state) const;
  void stop_timer();
  void start_timer();

  const Descriptor& vm_;
  Inputs pic_, ioapic_;
  // While the machine is stopped: the timer, and the time of its counts.
  struct PausedTimer {
    kvm_pit_state2 state;
    i64 time;
  };
  std::optional<PausedTimer> paused_timer_;
};

}  // namespace backplane::kvm
