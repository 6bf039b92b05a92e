// SPDX-License-Identifier: MIT
// A machine in the hands of a debugger: how its CPUs go on, where they stop, and why they did.
// Knows no protocol.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "backplane/machine.h"
#include "gdb/breakpoints.h"
#include "gdb/inspected_cpu.h"

namespace backplane::host::gdb {

// Main loop's thread, machine lock held.
class Debugger {
 public:
  struct Stop {
    Cpu* cpu = nullptr;               // whose it is; null: of none
    std::optional<DebugStop> reason;  // nothing: somebody stopped the machine
    StopCause cause = StopCause::Debug;
  };
  enum class Action : u8 { Hold, Go, Step };

  // `stopped` is told, from the main loop, when the machine stands still that resume() or
  // expect_stop() has waited for.
  Debugger(Machine& machine, std::function<void(const Stop&)> stopped);
  ~Debugger();
  Debugger(const Debugger&) = delete;
  Debugger& operator=(const Debugger&) = delete;

  // Begins: takes the CPUs that there are, and has the machine stop.
  void attach();
  // Ends: nothing of its own is left in the machine, which goes on if it runs now or `go_on`.
  void detach(bool go_on);
  bool attached() const { return attached_; }

  // In the order of their indices; those whose architecture can be debugged.
  const std::vector<std::unique_ptr<InspectedCpu>>& cpus() const { return cpus_; }
  InspectedCpu* cpu_of_index(unsigned index) const;

  bool running() const { return machine_.run_control().state() == RunState::Running; }
  // It runs because resume() had it run, and nobody was told yet that it stopped.
  bool expecting() const { return expecting_; }
  // What was told last.
  const Stop& last_stop() const { return last_; }
  // Stops it if it runs, and has `stopped` told.
  void expect_stop();
  void interrupt();
  // Returns when every CPU is outside guest code.
  void stop_now() { machine_.run_control().stop(); }
  // One action for each of cpus(), one of them at least another than Hold. Throws Error.
  void resume(const std::vector<Action>& actions);
  void end_machine() { machine_.run_control().request_shutdown(ShutdownCause::HostRequest); }

  // Throw Error if the accelerator cannot do that.
  void set_point(const Breakpoints::Point& point);
  void remove_point(const Breakpoints::Point& point) { points_.remove(point); }
  const Breakpoints& points() const { return points_; }
  DebugSupport support() const { return machine_.accelerator().debug_support(); }
  // Interrupts may be taken where a CPU steps.
  void set_steps_take_interrupts(bool take) { steps_take_interrupts_ = take; }
  bool steps_take_interrupts() const { return steps_take_interrupts_; }

 private:
  void install(const DebugPoints& wanted);
  void look_soon();
  void look();
  void let_all_go();
  void set_step(Cpu& cpu, DebugStep step);

  Machine& machine_;
  std::function<void(const Stop&)> stopped_;
  std::vector<std::unique_ptr<InspectedCpu>> cpus_;
  Breakpoints points_;
  DebugPoints installed_;
  std::vector<Cpu*> stepping_;
  std::deque<Stop> stops_;  // nobody was told of
  Stop last_;
  bool attached_ = false;
  bool expecting_ = false;
  bool steps_take_interrupts_ = false;
  Subscription debug_stops_;
  Subscription changes_;
  // What this object is known by to what is posted to the main loop.
  std::shared_ptr<Debugger*> self_ = std::make_shared<Debugger*>(this);
};

}  // namespace backplane::host::gdb
