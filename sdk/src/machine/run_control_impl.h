// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <condition_variable>

#include "backplane/run_control.h"

namespace backplane {

struct RunControl::Impl {
  explicit Impl(Machine& machine_in) : machine(machine_in) {}

  void kick_vcpus();
  void tell_shutdown(ShutdownCause cause);
  // Any thread: nothing keeps guest code from running.
  bool guest_may_run() const { return state.load() == RunState::Running && requests.load() == 0; }

  // What was requested and waits for the main loop; guest code does not run on before it is done.
  enum Request : unsigned { kReset = 1, kStop = 2, kShutdown = 4 };

  Machine& machine;
  std::atomic<RunState> state{RunState::Stopped};
  std::atomic<unsigned> requests{0};
  // Signalled, with the machine lock held, when a vCPU's thread leaves guest code for good or has
  // done what it was asked to do.
  std::condition_variable_any progress;
  std::atomic<ShutdownCause> reset_cause{ShutdownCause::Guest};  // of the reset requested
  bool has_run = false;
  StopCause stop_cause = StopCause::Request;
  std::optional<ShutdownCause> shutdown_cause;
  GuestActions actions;
  Subscribers<bool> changes;
  Subscribers<> powerdown;
  Subscribers<Cpu&, const DebugStop&> debug_stops;
};

}  // namespace backplane
