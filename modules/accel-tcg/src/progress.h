// SPDX-License-Identifier: MIT
// Whether the host lets guest code run at all.
#pragma once

#include <algorithm>
#include <vector>

#include "backplane/types.h"

namespace backplane::tcg {

// Interrupts that a guest cannot take merge, and time that it only hears of afterwards is time
// without ticks for it. So timers wait for a guest whose vCPUs all want to run and were not let
// run, for a while. Machine lock. (A Vcpu is a TcgVcpu, or a test's.)
template <class Vcpu>
class GuestProgress {
 public:
  // Translated code that runs leaves much sooner than this when it is asked to, and a host that is
  // merely busy lets it run sooner, in nanoseconds; much longer, and a guest that counts ticks by
  // the time-stamp counter finds too few.
  static constexpr i64 kLeavesWithin = 5'000'000;
  // After that timers fire all the same: something else than a busy host holds the threads up.
  static constexpr i64 kPatience = 1'000'000'000;

  explicit GuestProgress(const std::vector<Vcpu*>& vcpus) : vcpus_(vcpus) {}

  // Asked before timers fire, at that time of the host (ns).
  bool may_fire(i64 now) {
    const i64 waited = now - asked_at_;
    if (waited < kLeavesWithin && !asked_.empty()) return true;
    if (waited < kPatience && starved()) return false;
    asked_.resize(vcpus_.size());
    std::transform(vcpus_.begin(), vcpus_.end(), asked_.begin(),
                   [](Vcpu* vcpu) { return vcpu->ask_to_leave(); });
    asked_at_ = now;
    return true;
  }

 private:
  bool starved() const {
    bool waits = false;
    for (std::size_t n = 0; n < asked_.size(); ++n) {
      if (!vcpus_[n]->left_since(asked_[n]))
        waits = true;
      else if (vcpus_[n]->in_translated_code())
        return false;
    }
    return waits;
  }

  const std::vector<Vcpu*>& vcpus_;
  std::vector<u64> asked_;  // Vcpu::ask_to_leave() of each
  i64 asked_at_ = 0;
};

}  // namespace backplane::tcg
