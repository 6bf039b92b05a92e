// SPDX-License-Identifier: MIT
#include "vcpu/registers.h"

#include <algorithm>
#include <cstring>

#include "vcpu/state.h"

namespace backplane::kvm {

Registers::Registers(const Descriptor& vcpu, kvm_run& run, x86::X86State& state)
    : vcpu_(vcpu), run_(run), state_(state), msrs_(vcpu) {}

void Registers::want_at_exits(u64 fields) { wanted_ = fields; }

kvm_sync_regs& Registers::page(u64 fields) {
  if ((fields & ~valid_) != 0) exchange_page();
  return run_.s.regs;
}

// [api.rst "KVM_CAP_IMMEDIATE_EXIT"]: an entry that goes no further.
void Registers::exchange_page() {
  run_.kvm_valid_regs = kAllInPage;
  __atomic_store_n(&run_.immediate_exit, 1, __ATOMIC_RELEASE);
  const int result = vcpu_.try_call(KVM_RUN);
  if (result != -EINTR) throw Error::system("cannot read a vCPU's registers", -result);
  came_out(kAllInPage);
}

// What is not changed stays the kernel's, or an INIT and an NMI that come in the meantime would be
// lost. [api.rst "KVM_SET_VCPU_EVENTS"]
void Registers::came_out(u64 fields) {
  valid_ = fields;
  run_.s.regs.events.flags = 0;
}

void Registers::load() {
  from_kernel(page(kAllInPage), state_);
  load_by_calls();
}

void Registers::store_all() {
  learn_by_calls();
  store();
}

void Registers::store() {
  to_kernel(state_, run_.s.regs);
  mark_changed(kAllInPage);
  valid_ = kAllInPage;
  store_by_calls();
}

void Registers::learn_by_calls() {
  vcpu_.call("cannot read the FPU", kGetXsave, &xsave_);
  kvm_xcrs xcrs{};
  vcpu_.call("cannot read XCR0", KVM_GET_XCRS, &xcrs);
  if (xcrs.nr_xcrs != 0) xcr0_ = xcrs.xcrs[0].value;
  vcpu_.call("cannot read the debug registers", KVM_GET_DEBUGREGS, &debug_);
  msrs_.learn();
}

void Registers::load_by_calls() {
  learn_by_calls();
  std::memcpy(state_.xsave, xsave_.image, sizeof state_.xsave);
  if (xcr0_ != 0) state_.xcr0 = xcr0_;
  std::copy_n(debug_.db, 4, state_.dr);
  state_.dr[6] = debug_.dr6;
  state_.dr[7] = debug_.dr7;
  msrs_.copy_to(state_);
}

void Registers::store_by_calls() {
  if (state_.xcr0 != xcr0_) {
    kvm_xcrs xcrs{};
    xcrs.nr_xcrs = 1;
    xcrs.xcrs[0].value = state_.xcr0;
    // A host without XSAVE has no such register.
    if (vcpu_.try_call(KVM_SET_XCRS, &xcrs) >= 0) xcr0_ = state_.xcr0;
  }
  // Components beyond those of X86State stay as they are.
  if (std::memcmp(xsave_.image, state_.xsave, sizeof state_.xsave) != 0) {
    fpu_to_kernel(state_, xsave_);
    vcpu_.call("cannot set the FPU", kSetXsave, &xsave_);
  }
  kvm_debugregs debug{};
  std::copy_n(state_.dr, 4, debug.db);
  debug.dr6 = state_.dr[6];
  debug.dr7 = state_.dr[7];
  if (std::memcmp(&debug, &debug_, sizeof debug) != 0 &&
      vcpu_.try_call(KVM_SET_DEBUGREGS, &debug) >= 0)
    debug_ = debug;
  msrs_.store(state_);
}

}  // namespace backplane::kvm
