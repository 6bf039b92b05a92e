// SPDX-License-Identifier: MIT
// Guest time that the kernel keeps, over a stop of the machine: it goes on from where it was.
#pragma once

#include <linux/kvm.h>

#include <optional>

#include "backplane/types.h"
#include "backplane/x86/platform_interrupts.h"
#include "kernel/descriptor.h"

namespace backplane::kvm {

// The clock that a guest reads which knows that it runs on KVM. Machine lock, no vCPU in KVM_RUN.
// [api.rst "KVM_GET_CLOCK", "KVM_SET_CLOCK"]
class PausedClock {
 public:
  void stopped(const Descriptor& vm);
  void started(const Descriptor& vm);
  // In nanoseconds, while the machine is stopped; 0 if the kernel has none.
  u64 value() const { return clock_ ? clock_->clock : 0; }
  void set_value(u64 value) { clock_.emplace().clock = value; }

 private:
  std::optional<kvm_clock_data> clock_;
};

// One vCPU's time-stamp counter. The same lock.
class PausedTsc {
 public:
  void stopped(const Descriptor& vcpu);
  // `host_ticks`: how far the host's counter went on meanwhile, the same for all vCPUs, so that
  // their counters stay as far apart as they were.
  void started(const Descriptor& vcpu, u64 host_ticks);
  // It is to go on from there instead.
  void set_value(u64 value) { value_ = value; }

 private:
  std::optional<u64> value_;  // where the kernel does not tell the offset
};

// The timer of the kernel's local APIC of one vCPU, which went on to count. The same lock; after
// PausedTsc. [api.rst "KVM_SET_LAPIC"]
class PausedApicTimer {
 public:
  void stopped(const Descriptor& vcpu);
  void started(const Descriptor& vcpu);
  struct State {
    x86::ApicPage page;
    u64 deadline = 0;
  };
  const std::optional<State>& state() const { return state_; }
  // The local APIC was set to that meanwhile.
  void set_state(const State& state) { state_ = state; }

 private:
  std::optional<State> state_;
};

// The registers of `now` with the timer of `then`: its count, and not yet the interrupt that it
// sent after.
x86::ApicPage with_timer_of(const x86::ApicPage& now, const x86::ApicPage& then);

}  // namespace backplane::kvm
