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

void load_local_apic(const Descriptor& vcpu, x86::X86Cpu& cpu) {
  kvm_lapic_state lapic{};
  vcpu.call("cannot read the local APIC", KVM_GET_LAPIC, &lapic);
  kvm_mp_state mp{};
  vcpu.call("cannot read the vCPU's state", KVM_GET_MP_STATE, &mp);
  cpu.state().wait_for_sipi =
      mp.mp_state == KVM_MP_STATE_UNINITIALIZED || mp.mp_state == KVM_MP_STATE_INIT_RECEIVED;
  const MachineLock::Guard lock;
  cpu.apic().load_page(read_msr(vcpu, kApicBaseMsr).value_or(cpu.apic().base()),
                       from_kernel(lapic));
}

void store_local_apic(const Descriptor& vcpu, x86::X86Cpu& cpu) {
  const MachineLock::Guard lock;
  write_msr(vcpu, kApicBaseMsr, cpu.apic().base());
  kvm_lapic_state lapic = to_kernel(cpu.apic().page());
  vcpu.call("cannot set the local APIC", KVM_SET_LAPIC, &lapic);
  set_mp_state(vcpu,
               cpu.state().wait_for_sipi != 0 ? KVM_MP_STATE_UNINITIALIZED : KVM_MP_STATE_RUNNABLE);
}

}  // namespace backplane::kvm
