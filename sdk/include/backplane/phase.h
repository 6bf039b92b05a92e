// SPDX-License-Identifier: MIT
// How far the launch of a machine is.
#pragma once

#include <array>

#include "backplane/subscription.h"

namespace backplane {

enum class Phase { NoMachine, MachineCreated, AccelCreated, MachineInitialized, MachineReady };

// Machine lock.
class LaunchPhases {
 public:
  Phase current() const { return current_; }
  // To the phase that follows; asserts that it does. Those who wait for it are told. What they
  // throw, leaves.
  void advance(Phase next);
  // Calls fn when the phase is reached.
  Subscription on_reached(Phase phase, std::function<void()> fn);

 private:
  static constexpr std::size_t kPhases = static_cast<std::size_t>(Phase::MachineReady) + 1;
  Phase current_ = Phase::MachineCreated;
  std::array<Subscribers<>, kPhases> waiting_;
};

}  // namespace backplane
