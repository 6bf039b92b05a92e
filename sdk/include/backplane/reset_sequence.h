// SPDX-License-Identifier: MIT
// What a reset of the whole machine does, in order.
#pragma once

#include <functional>

#include "backplane/subscription.h"

namespace backplane {

class Machine;

class ResetSequence {
 public:
  // The machine is the one that has it.
  explicit ResetSequence(Machine& machine) : machine_(machine) {}

  // Resets the devices (those of a bus after the device that owns it), then the CPUs, then tells
  // those who want to know, and gives the accelerator the new state. The machine is stopped:
  // RunControl::reset() sees to that. Machine lock, main thread.
  void run();

  // At the end of each reset, after devices and CPUs (firmware tables back into RAM, boot state).
  Subscription on_done(std::function<void()> fn) { return done_.add(std::move(fn)); }

 private:
  Machine& machine_;
  Subscribers<> done_;
};

}  // namespace backplane
