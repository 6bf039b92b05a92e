// SPDX-License-Identifier: MIT
#include "vcpu/pause.h"

#include "backplane/x86/apic.h"
#include "interrupts/local_apic.h"
#include "vcpu/msrs.h"

namespace backplane::kvm {
namespace {

// The guest's counter is the host's plus this. [Linux Documentation/virt/kvm/devices/vcpu.rst
// "KVM_VCPU_TSC_OFFSET"]
kvm_device_attr offset_attribute(u64& offset) {
  kvm_device_attr attribute{};
  attribute.group = KVM_VCPU_TSC_CTRL;
  attribute.attr = KVM_VCPU_TSC_OFFSET;
  attribute.addr = reinterpret_cast<u64>(&offset);
  return attribute;
}

x86::ApicPage apic_page(const Descriptor& vcpu) {
  kvm_lapic_state state{};
  vcpu.call("cannot read the local APIC", KVM_GET_LAPIC, &state);
  return from_kernel(state);
}

}  // namespace

void PausedClock::stopped(const Descriptor& vm) {
  kvm_clock_data clock{};
  clock_.reset();
  if (vm.try_call(KVM_GET_CLOCK, &clock) >= 0) clock_ = clock;
}

void PausedClock::started(const Descriptor& vm) {
  if (!clock_) return;
  clock_->flags = 0;  // exactly this time, not what the host's calendar makes of it
  vm.try_call(KVM_SET_CLOCK, &*clock_);
  clock_.reset();
}

void PausedTsc::stopped(const Descriptor& vcpu) {
  u64 offset = 0;
  kvm_device_attr attribute = offset_attribute(offset);
  value_.reset();
  if (vcpu.try_call(KVM_GET_DEVICE_ATTR, &attribute) < 0) value_ = read_msr(vcpu, kTscMsr);
}

void PausedTsc::started(const Descriptor& vcpu, u64 host_ticks) {
  if (value_) {
    write_msr(vcpu, kTscMsr, *value_);
    value_.reset();
    return;
  }
  u64 offset = 0;
  kvm_device_attr attribute = offset_attribute(offset);
  if (vcpu.try_call(KVM_GET_DEVICE_ATTR, &attribute) < 0) return;
  offset -= host_ticks;
  vcpu.try_call(KVM_SET_DEVICE_ATTR, &attribute);
}

void PausedApicTimer::stopped(const Descriptor& vcpu) {
  state_ = State{apic_page(vcpu), read_msr(vcpu, kTscDeadlineMsr).value_or(0)};
}

void PausedApicTimer::started(const Descriptor& vcpu) {
  if (!state_) return;
  kvm_lapic_state state = to_kernel(with_timer_of(apic_page(vcpu), state_->page));
  vcpu.call("cannot set the local APIC", KVM_SET_LAPIC, &state);
  if (state_->deadline != 0) write_msr(vcpu, kTscDeadlineMsr, state_->deadline);
  state_.reset();
}

x86::ApicPage with_timer_of(const x86::ApicPage& now, const x86::ApicPage& then) {
  using Apic = x86::LocalApic;
  x86::ApicPage page = now;
  page[Apic::kTimerCurrent] = then[Apic::kTimerCurrent];
  const u8 vector = static_cast<u8>(then[Apic::kLvtTimer]);
  const unsigned word = Apic::kIrr + vector / 32;
  const u32 bit = u32{1} << vector % 32;
  page[word] &= ~bit | then[word];
  return page;
}

}  // namespace backplane::kvm
