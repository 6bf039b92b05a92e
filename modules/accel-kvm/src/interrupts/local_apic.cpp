// SPDX-License-Identifier: MIT
#include "interrupts/local_apic.h"

#include <cstring>

#include "backplane/machine_lock.h"
#include "backplane/x86/apic.h"
#include "vcpu/msrs.h"

namespace backplane::kvm {
namespace {

constexpr std::size_t kStride = 16;  // bytes from one register to the next

}  // namespace

x86::ApicPage from_kernel(const kvm_lapic_state& state) {
  x86::ApicPage page;
  for (std::size_t n = 0; n < page.size(); ++n)
    std::memcpy(&page[n], state.regs + n * kStride, sizeof page[n]);
  return page;
}

kvm_lapic_state to_kernel(const x86::ApicPage& page) {
  kvm_lapic_state state{};
  for (std::size_t n = 0; n < page.size(); ++n)
    std::memcpy(state.regs + n * kStride, &page[n], sizeof page[n]);
  return state;
}

void set_mp_state(const Descriptor& vcpu, u32 mp_state) {
  kvm_mp_state mp{};
  mp.mp_state = mp_state;
  vcpu.call("cannot set the vCPU's state", KVM_SET_MP_STATE, &mp);
}

void load_local_apic(const Descriptor& vcpu, x86::X86Cpu& cpu,
                     const std::optional<PausedApicTimer::State>& paused) {
  kvm_lapic_state lapic{};
  vcpu.call("cannot read the local APIC", KVM_GET_LAPIC, &lapic);
  kvm_mp_state mp{};
  vcpu.call("cannot read the vCPU's state", KVM_GET_MP_STATE, &mp);
  cpu.state().wait_for_sipi =
      mp.mp_state == KVM_MP_STATE_UNINITIALIZED || mp.mp_state == KVM_MP_STATE_INIT_RECEIVED;
  const x86::ApicPage page = from_kernel(lapic);
  const u64 deadline = paused ? paused->deadline : read_msr(vcpu, kTscDeadlineMsr).value_or(0);
  const MachineLock::Guard lock;
  cpu.apic().load_page(read_msr(vcpu, kApicBaseMsr).value_or(cpu.apic().base()),
                       paused ? with_timer_of(page, paused->page) : page, deadline);
}

bool is_halted(const Descriptor& vcpu) {
  kvm_mp_state mp{};
  vcpu.call("cannot read the vCPU's state", KVM_GET_MP_STATE, &mp);
  return mp.mp_state == KVM_MP_STATE_HALTED;
}

void store_local_apic(const Descriptor& vcpu, x86::X86Cpu& cpu) {
  const MachineLock::Guard lock;
  write_msr(vcpu, kApicBaseMsr, cpu.apic().base());
  kvm_lapic_state lapic = to_kernel(cpu.apic().page());
  vcpu.call("cannot set the local APIC", KVM_SET_LAPIC, &lapic);
  u32 mp_state = cpu.halted() ? KVM_MP_STATE_HALTED : KVM_MP_STATE_RUNNABLE;
  // Not KVM_MP_STATE_UNINITIALIZED, where a SIPI starts nothing before an INIT: that may have come.
  if (cpu.state().wait_for_sipi != 0) mp_state = KVM_MP_STATE_INIT_RECEIVED;
  set_mp_state(vcpu, mp_state);
}

}  // namespace backplane::kvm
