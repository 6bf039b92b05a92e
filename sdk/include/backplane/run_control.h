// SPDX-License-Identifier: MIT
// Whether a machine runs: starting, stopping, resetting and ending it, what its guest or its user
// asks for, and who is told.
//
// Requests come from any thread. They keep guest code from running on at once (on the calling
// vCPU's thread: as soon as the caller is back in the accelerator), and the main loop carries them
// out. All else is done under the machine lock.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "backplane/subscription.h"

namespace backplane {

class Cpu;
class Machine;
struct DebugStop;

enum class RunState { Stopped, Running };
// Why a machine stands still: somebody wants it to; it cannot go on; a disk waits for its user; its
// guest has panicked, or turned it off, and the user wants to see it as it is then; another
// program goes on with it (migration.h); or a debugger looks at it.
enum class StopCause {
  Request,
  InternalError,
  IoError,
  GuestPanic,
  GuestShutdown,
  Migrated,
  Debug
};
// TripleFault: a processor has shut down, of which a PC's chipset makes a reset.
enum class ShutdownCause { Guest, HostRequest, HostSignal, GuestReset, TripleFault, Panic, Debug };

// What follows when a guest resets its machine, turns it off, or reports that it has panicked.
enum class RebootAction { Reset, Shutdown };
enum class ShutdownAction { PowerOff, Pause };
enum class PanicAction { Pause, Shutdown, ExitFailure, None };
struct GuestActions {
  RebootAction reboot = RebootAction::Reset;
  ShutdownAction shutdown = ShutdownAction::PowerOff;  // also of a reset that is a shutdown
  PanicAction panic = PanicAction::Shutdown;
};

// The exit status of a machine that its guest's reset has ended. (isa-debug-exit gives odd ones, an
// error 1.)
inline constexpr int kGuestResetStatus = 2;

class RunControl {
 public:
  // The machine is the one that has it.
  explicit RunControl(Machine& machine);
  ~RunControl();
  RunControl(const RunControl&) = delete;
  RunControl& operator=(const RunControl&) = delete;

  // --- now; machine lock ----------------------------------------------------------------------
  RunState state() const;  // any thread
  // Whether it ever did, here.
  bool has_run() const;
  void start();
  // Returns when every vCPU is outside guest code.
  void stop();
  // The same for a moment that no manager is told of: stop() and start() send the events STOP and
  // RESUME.
  void hold();
  void let_go();
  // Puts the whole machine back to power-on: ResetSequence. A running machine is stopped meanwhile.
  // Main thread.
  void reset();

  // Why it stands still, while it does.
  StopCause stop_cause() const;
  // Why the machine was shut down; nothing while it was not.
  std::optional<ShutdownCause> shutdown_cause() const;

  // --- soon; any thread -----------------------------------------------------------------------
  // Causes are Guest and TripleFault, which the user may want to be a shutdown, and HostRequest.
  void request_reset(ShutdownCause cause = ShutdownCause::Guest);
  // Stops the machine and ends the main loop with that status. The first request counts. Where the
  // cause is the guest, the user may want the machine to be stopped instead.
  void request_shutdown(ShutdownCause cause, int exit_status = 0);
  // Stops the machine for a reason of its own: it can be looked at, and continued.
  void request_stop(StopCause cause);
  // A CPU has come to where a debugger wanted to look: tells those that want to know, and stops the
  // machine. On the CPU's thread, machine lock not held.
  void report_debug_stop(Cpu& cpu, const DebugStop& stop);
  // The guest says that it has panicked; does what the user wants then.
  void report_panic();
  // Presses the power button.
  void request_powerdown();
  // Carries out a reset that was requested, if one was and waits for the main loop. Machine lock,
  // main loop's thread.
  void carry_out_reset();

  // What the user wants to follow from what the guest does. Before the machine first runs.
  GuestActions& actions();

  // --- who is told; machine lock ----------------------------------------------------------------
  // When the machine starts (true, before the first vCPU runs) and stops (false, after the last one
  // stood still).
  Subscription on_change(std::function<void(bool running)> fn);
  // When a CPU stopped for a debugger; the others may still run. On the CPU's thread.
  Subscription on_debug_stop(std::function<void(Cpu& cpu, const DebugStop& stop)> fn);
  // When the power button is pressed. On the main loop.
  Subscription on_powerdown(std::function<void()> fn);

 private:
  friend class VcpuThread;
  void wait_for_vcpus();
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backplane
