// SPDX-License-Identifier: MIT
// A vCPU's registers on their way between the kernel and X86State.
#pragma once

#include <linux/kvm.h>

#include "backplane/x86/cpu.h"
#include "kernel/descriptor.h"
#include "kernel/list.h"
#include "vcpu/msrs.h"

namespace backplane::kvm {

// On the vCPU's thread. The general and segment registers and the pending events travel in the
// page that is shared with the kernel: out of it at an exit, into it at the next entry, without a
// call of their own. The others are moved by calls, and stored only where they changed.
class Registers {
 public:
  // `run` is the vCPU's shared page.
  Registers(const Descriptor& vcpu, kvm_run& run, x86::X86State& state);

  // --- around KVM_RUN --------------------------------------------------------------------------
  // The kernel is to put these (KVM_SYNC_X86_*) into the page at each exit.
  void want_at_exits(u64 fields);
  void before_run() { run_.kvm_valid_regs = wanted_; }
  void after_run() { came_out(wanted_); }
  // The page, with these fields in it; changes count once mark_changed() names their fields, and
  // of the events once kvm_vcpu_events::flags does.
  // No access waits to be finished. May leave kvm_run::immediate_exit set.
  kvm_sync_regs& page(u64 fields);
  void mark_changed(u64 fields) { run_.kvm_dirty_regs |= fields; }
  // What is changed goes in, and everything comes out. Of a vCPU that waits for its start-up
  // nothing goes in.
  void exchange_page();

  // --- everything ------------------------------------------------------------------------------
  void load();
  // What is in X86State, after load().
  void store();
  // The same, whatever the guest has done since.
  void store_all();

 private:
  void came_out(u64 fields);
  // The kernel's values, into the members below.
  void learn_by_calls();
  void load_by_calls();
  void store_by_calls();

  const Descriptor& vcpu_;
  kvm_run& run_;
  x86::X86State& state_;
  u64 wanted_ = 0;
  u64 valid_ = 0;
  // The kernel's values of what is moved by calls.
  XsaveArea xsave_;
  u64 xcr0_ = 0;  // 0: it has none
  kvm_debugregs debug_{};
  MsrSet msrs_;
};

// General registers, segments and events.
constexpr u64 kAllInPage = KVM_SYNC_X86_REGS | KVM_SYNC_X86_SREGS | KVM_SYNC_X86_EVENTS;

}  // namespace backplane::kvm
