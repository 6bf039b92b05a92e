// SPDX-License-Identifier: MIT
// The registers of the kernel's chips, in the words of ours.
#include <algorithm>

#include "interrupts/chipset.h"

namespace backplane::kvm {
namespace {

// An ICW that is awaited: the kernel numbers them from 1.
u8 step_of(u8 kernel) { return kernel == 0 ? 0 : static_cast<u8>(kernel + 1); }
u8 kernel_step(u8 step) { return step == 0 ? 0 : static_cast<u8>(step - 1); }

x86::PicRegisters from_kernel(const kvm_pic_state& k) {
  return {.levels = k.last_irr,
          .requests = k.irr,
          .imr = k.imr,
          .isr = k.isr,
          .elcr = k.elcr,
          .vector_base = k.irq_base,
          .lowest = static_cast<u8>((k.priority_add + 7) & 7),
          .init_step = step_of(k.init_state),
          .needs_icw4 = k.init4 != 0,
          .auto_eoi = k.auto_eoi != 0,
          .rotate_on_auto_eoi = k.rotate_on_auto_eoi != 0,
          .special_mask = k.special_mask != 0,
          .special_fully_nested = k.special_fully_nested_mode != 0,
          .poll = k.poll != 0,
          .read_isr = k.read_reg_select != 0};
}

void to_kernel(const x86::PicRegisters& r, kvm_pic_state& k) {
  k = {.last_irr = r.levels,
       .irr = r.requests,
       .imr = r.imr,
       .isr = r.isr,
       .priority_add = static_cast<u8>((r.lowest + 1) & 7),
       .irq_base = r.vector_base,
       .read_reg_select = r.read_isr,
       .poll = r.poll,
       .special_mask = r.special_mask,
       .init_state = kernel_step(r.init_step),
       .auto_eoi = r.auto_eoi,
       .rotate_on_auto_eoi = r.rotate_on_auto_eoi,
       .special_fully_nested_mode = r.special_fully_nested,
       .init4 = r.needs_icw4,
       .elcr = static_cast<u8>(r.elcr & k.elcr_mask),
       .elcr_mask = k.elcr_mask};
}

// Which byte of a count comes next: with one byte the access itself, else these.
constexpr u8 kBoth = 3, kFirstByte = 3, kSecondByte = 4;
constexpr i64 kLongerThanAnyCount = 1'000'000'000;  // nanoseconds

u8 kernel_turn(u8 access, bool high) {
  return access != kBoth ? access : high ? kSecondByte : kFirstByte;
}

x86::TimerChannelRegisters from_kernel(const kvm_pit_channel_state& k, i64 time) {
  x86::TimerChannelRegisters r{.gate = k.gate != 0};
  if (k.mode == kNoMode) return r;
  constexpr u8 kModes = 6;  // 6 and 7 are 2 and 3
  r.access = std::clamp<u8>(k.rw_mode, 1, kBoth);
  r.mode = k.mode < kModes ? k.mode : static_cast<u8>(k.mode & 3);
  r.bcd = k.bcd != 0;
  r.loaded = true;
  r.count = std::clamp<u32>(k.count, 1, 0x10000);
  r.elapsed = std::max<i64>(0, time - k.count_load_time);
  r.write_high = k.write_state == kSecondByte;
  r.write_low = k.write_latch;
  r.read_high = k.read_state == kSecondByte || k.count_latched == kSecondByte;
  r.value_latched = k.count_latched != 0;
  r.latched_value = k.latched_count;
  r.status_latched = k.status_latched != 0;
  r.latched_status = k.status;
  return r;
}

kvm_pit_channel_state to_kernel(const x86::TimerChannelRegisters& r, i64 time) {
  kvm_pit_channel_state k{};
  k.gate = r.gate;
  k.mode = r.mode;
  k.rw_mode = r.access;
  k.bcd = r.bcd;
  k.count = r.count;
  // Without a count it knows no mode either, with which it would take one: such a channel has
  // ended.
  k.count_load_time = time - (r.loaded ? r.elapsed : kLongerThanAnyCount);
  k.write_state = kernel_turn(r.access, r.write_high);
  k.write_latch = r.write_low;
  k.read_state = kernel_turn(r.access, r.read_high && !r.value_latched);
  k.count_latched = r.value_latched ? kernel_turn(r.access, r.read_high) : 0;
  k.latched_count = r.latched_value;
  k.status_latched = r.status_latched;
  k.status = r.latched_status;
  return k;
}

}  // namespace

x86::ControllerRegisters KernelChipset::controllers() const {
  x86::ControllerRegisters registers;
  for (std::size_t n = 0; n < registers.pics.size(); ++n)
    registers.pics[n] = from_kernel(chip(kPicChips[n]).chip.pic);
  const kvm_ioapic_state ioapic = chip(KVM_IRQCHIP_IOAPIC).chip.ioapic;
  registers.ioapic.select = static_cast<u8>(ioapic.ioregsel);
  registers.ioapic.id = static_cast<u8>(ioapic.id);
  for (std::size_t n = 0; n < registers.ioapic.entries.size(); ++n)
    registers.ioapic.entries[n] = ioapic.redirtbl[n].bits;
  return registers;
}

void KernelChipset::set_controllers(const x86::ControllerRegisters& registers) {
  for (std::size_t n = 0; n < registers.pics.size(); ++n) {
    kvm_irqchip state = chip(kPicChips[n]);
    to_kernel(registers.pics[n], state.chip.pic);
    // The kernel's 8254 is not high between its pulses, as ours is.
    if (n == kTimerPicInput / 8) state.chip.pic.last_irr &= ~(1u << kTimerPicInput % 8);
    set_chip(state);
  }
  kvm_irqchip state = chip(KVM_IRQCHIP_IOAPIC);
  kvm_ioapic_state& ioapic = state.chip.ioapic;
  ioapic.ioregsel = registers.ioapic.select;
  ioapic.id = registers.ioapic.id;
  ioapic.irr = 0;
  for (std::size_t n = 0; n < registers.ioapic.entries.size(); ++n) {
    ioapic.redirtbl[n].bits = registers.ioapic.entries[n];
    // Edges were sent when they came.
    if (ioapic.redirtbl[n].fields.trig_mode != 0)
      ioapic.irr |= registers.ioapic.levels & u32{1} << n;
  }
  set_chip(state);
}

x86::TimerRegisters KernelChipset::timer_registers() const {
  const PausedTimer now = paused_timer_ ? *paused_timer_ : PausedTimer{timer(), host_time()};
  x86::TimerRegisters registers;
  for (std::size_t n = 0; n < registers.channels.size(); ++n)
    registers.channels[n] = from_kernel(now.state.channels[n], now.time);
  registers.speaker = (now.state.flags & KVM_PIT_FLAGS_SPEAKER_DATA_ON) != 0;
  return registers;
}

void KernelChipset::set_timer_registers(const x86::TimerRegisters& registers) {
  if (!paused_timer_) paused_timer_ = PausedTimer{timer(), host_time()};
  for (std::size_t n = 0; n < registers.channels.size(); ++n)
    paused_timer_->state.channels[n] = to_kernel(registers.channels[n], paused_timer_->time);
  paused_timer_->state.flags &= ~KVM_PIT_FLAGS_SPEAKER_DATA_ON;
  if (registers.speaker) paused_timer_->state.flags |= KVM_PIT_FLAGS_SPEAKER_DATA_ON;
}

}  // namespace backplane::kvm
