// SPDX-License-Identifier: MIT
#include "gdb/debugger.h"

#include <algorithm>

namespace backplane::host::gdb {

Debugger::Debugger(Machine& machine, std::function<void(const Stop&)> stopped)
    : machine_(machine), stopped_(std::move(stopped)) {
  RunControl& control = machine_.run_control();
  debug_stops_ = control.on_debug_stop([this](Cpu& cpu, const DebugStop& stop) {
    if (attached_) stops_.push_back({&cpu, stop, StopCause::Debug});
  });
  // Later: who resets or saves the machine stops it for a moment.
  changes_ = control.on_change([this](bool running) {
    if (!running && expecting_) look_soon();
  });
}

Debugger::~Debugger() {
  if (attached_) detach(false);
}

void Debugger::attach() {
  attached_ = true;
  expecting_ = false;
  stops_.clear();
  last_ = {};
  steps_take_interrupts_ = false;
  for (Cpu* const cpu : machine_.cpus()) {
    auto inspected = std::make_unique<InspectedCpu>(*cpu, machine_.memory());
    if (inspected->target() != nullptr) cpus_.push_back(std::move(inspected));
  }
  if (running()) machine_.run_control().request_stop(StopCause::Debug);
}

void Debugger::detach(bool go_on) {
  const StopCause cause = machine_.run_control().stop_cause();
  const bool runs = running();
  stop_now();
  attached_ = false;
  expecting_ = false;
  let_all_go();
  stops_.clear();
  points_.clear();
  install({});
  cpus_.clear();
  // What stopped for a reason of its own is not for a debugger to go on with.
  const bool may_go_on = cause == StopCause::Debug || cause == StopCause::Request;
  if (runs || (go_on && may_go_on)) machine_.run_control().start();
}

InspectedCpu* Debugger::cpu_of_index(unsigned index) const {
  const auto found =
      std::ranges::find_if(cpus_, [&](const auto& cpu) { return cpu->cpu().index() == index; });
  return found == cpus_.end() ? nullptr : found->get();
}

void Debugger::set_point(const Breakpoints::Point& point) {
  const Breakpoints before = points_;
  if (!points_.set(point))
    throw Error::of("a debugger has at most {} breakpoints", Breakpoints::kMost);
  try {
    install(points_.wanted());
  } catch (const Error&) {
    points_ = before;
    throw;
  }
}

void Debugger::install(const DebugPoints& wanted) {
  if (wanted.code == installed_.code && wanted.data == installed_.data) return;
  machine_.accelerator().set_debug_points(wanted);
  installed_ = wanted;
}

void Debugger::interrupt() {
  if (running()) machine_.run_control().request_stop(StopCause::Debug);
}

void Debugger::expect_stop() {
  expecting_ = true;
  interrupt();
  if (!running()) look_soon();
}

void Debugger::resume(const std::vector<Action>& actions) {
  // Breakpoints are met again. Where a CPU stopped together with the one that was told of, for
  // something that does not come again, that comes first.
  std::erase_if(stops_,
                [](const Stop& stop) { return stop.reason->reason == DebugStop::Reason::Code; });
  DebugPoints wanted = points_.wanted();
  // A step meets no breakpoint. Debuggers take the one away that they step over: it stays, as it
  // will be back.
  if (std::ranges::find(actions, Action::Go) == actions.end()) wanted.code = installed_.code;
  install(wanted);
  expecting_ = true;
  const bool due = std::ranges::any_of(stops_, [&](const Stop& stop) {
    for (std::size_t n = 0; n < cpus_.size(); ++n)
      if (&cpus_[n]->cpu() == stop.cpu) return actions[n] != Action::Hold;
    return false;
  });
  if (due) return look_soon();
  stops_.clear();
  for (std::size_t n = 0; n < cpus_.size(); ++n) {
    Cpu& cpu = cpus_[n]->cpu();
    cpu.set_held(actions[n] == Action::Hold);
    if (actions[n] == Action::Step)
      set_step(cpu, steps_take_interrupts_ ? DebugStep::WithInterrupt : DebugStep::Instruction);
  }
  machine_.run_control().start();
}

void Debugger::set_step(Cpu& cpu, DebugStep step) {
  if (cpu.vcpu() == nullptr) return;
  cpu.run_on_thread([&] { cpu.vcpu()->set_step(step); });
  if (step != DebugStep::None) stepping_.push_back(&cpu);
}

// So that whoever has the machine go on, has all of it go on.
void Debugger::let_all_go() {
  for (const auto& cpu : cpus_) cpu->cpu().set_held(false);
  for (Cpu* const cpu : std::exchange(stepping_, {})) set_step(*cpu, DebugStep::None);
}

void Debugger::look_soon() {
  machine_.main_loop().post([self = std::weak_ptr<Debugger*>(self_)] {
    if (const auto debugger = self.lock()) (*debugger)->look();
  });
}

void Debugger::look() {
  // Who ends the machine tells that it has ended.
  if (!expecting_ || running() || machine_.run_control().shutdown_cause()) return;
  expecting_ = false;
  let_all_go();
  last_ = {nullptr, std::nullopt, machine_.run_control().stop_cause()};
  if (!stops_.empty()) {
    last_ = stops_.front();
    stops_.pop_front();
  }
  stopped_(last_);
}

}  // namespace backplane::host::gdb
