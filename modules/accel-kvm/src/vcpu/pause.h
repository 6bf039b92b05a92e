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

 private:
  std::optional<u64> value_;  // where the kernel does not tell the offset
};

// The timer of the kernel's local APIC of one vCPU, which went on to count. The same lock; after
// PausedTsc. [api.rst "KVM_SET_LAPIC"]
class PausedApicTimer {
 public:
  void stopped(const Descriptor& vcpu);
  void started(const Descriptor& vcpu);
  // The local APIC was reset meanwhile.
  void forget() { state_.reset(); }

 private:
  struct State {
    x86::ApicPage page;
    u64 deadline = 0;
  };
  std::optional<State> state_;
};

// The registers of `now` with the timer of `then`: its count, and not yet the interrupt that it
// sent after.
x86::ApicPage with_timer_of(const x86::ApicPage& now, const x86::ApicPage& then);

}  // namespace backplane::kvm
