// SPDX-License-Identifier: MIT
#include "backplane/run_control.h"

#include "backplane/log.h"
#include "backplane/machine.h"
#include "cpu/vcpu_thread_impl.h"
#include "machine/run_control_impl.h"

namespace backplane {

namespace {

// What the user is told of an end that is not the guest's orderly one; empty if there is nothing.
std::string_view said_of(ShutdownCause cause) {
  switch (cause) {
    case ShutdownCause::GuestReset:
      return "the guest has reset the machine";
    case ShutdownCause::TripleFault:
      return "a processor of the guest has shut down after a triple fault; -d int says where";
    default:
      return {};
  }
}

// In the words of the event's type.
std::string_view reason_of(ShutdownCause cause) {
  switch (cause) {
    case ShutdownCause::HostRequest:
      return kShutdownReasons[0];
    case ShutdownCause::HostSignal:
      return kShutdownReasons[1];
    case ShutdownCause::GuestReset:
    case ShutdownCause::TripleFault:
      return kShutdownReasons[3];
    case ShutdownCause::Panic:
      return kShutdownReasons[4];
    case ShutdownCause::Guest:
    case ShutdownCause::Debug:
      break;
  }
  return kShutdownReasons[2];
}

bool is_guest(ShutdownCause cause) {
  return cause == ShutdownCause::Guest || cause == ShutdownCause::GuestReset ||
         cause == ShutdownCause::TripleFault || cause == ShutdownCause::Panic;
}

}  // namespace

RunControl::RunControl(Machine& machine) : impl_(std::make_unique<Impl>(machine)) {}
RunControl::~RunControl() = default;

RunState RunControl::state() const { return impl_->state.load(std::memory_order_acquire); }

bool RunControl::has_run() const { return impl_->has_run; }

StopCause RunControl::stop_cause() const { return impl_->stop_cause; }

std::optional<ShutdownCause> RunControl::shutdown_cause() const { return impl_->shutdown_cause; }

GuestActions& RunControl::actions() { return impl_->actions; }

Subscription RunControl::on_change(std::function<void(bool running)> fn) {
  return impl_->changes.add(std::move(fn));
}

Subscription RunControl::on_debug_stop(std::function<void(Cpu&, const DebugStop&)> fn) {
  return impl_->debug_stops.add(std::move(fn));
}

Subscription RunControl::on_powerdown(std::function<void()> fn) {
  return impl_->powerdown.add(std::move(fn));
}

void RunControl::start() {
  if (state() == RunState::Running) return;
  let_go();
  impl_->machine.events().send(kResumeEvent);
}

void RunControl::stop() {
  if (state() == RunState::Stopped) return;
  hold();
  impl_->machine.events().send(kStopEvent);
}

void RunControl::let_go() {
  if (state() == RunState::Running) return;
  impl_->changes.tell(true);
  impl_->machine.virtual_clock().start();
  impl_->state.store(RunState::Running);
  impl_->stop_cause = StopCause::Request;
  impl_->has_run = true;
  // No kick: none of them is in guest code that it would have to leave.
  for (Cpu* const cpu : impl_->machine.cpus())
    if (cpu->thread_ != nullptr) cpu->thread_->impl_->wake();
}

void RunControl::hold() {
  if (state() == RunState::Stopped) return;
  impl_->state.store(RunState::Stopped);
  impl_->kick_vcpus();
  wait_for_vcpus();
  impl_->machine.virtual_clock().stop();
  impl_->changes.tell(false);
}

void RunControl::Impl::kick_vcpus() {
  for (Cpu* const cpu : machine.cpus()) cpu->kick();
}

void RunControl::wait_for_vcpus() {
  for (Cpu* const cpu : impl_->machine.cpus()) {
    if (cpu->thread_ == nullptr) continue;
    const VcpuThread::Impl& thread = *cpu->thread_->impl_;
    // On a vCPU's own thread the caller is the one that is outside guest code.
    while (!thread.is_this_thread() && !thread.outside_guest()) MachineLock::wait(impl_->progress);
  }
}

void RunControl::reset() {
  const bool was_running = state() == RunState::Running;
  hold();
  impl_->machine.reset_sequence().run();
  if (was_running) let_go();
}

void RunControl::request_reset(ShutdownCause cause) {
  if (impl_->actions.reboot == RebootAction::Shutdown && is_guest(cause)) {
    request_shutdown(cause == ShutdownCause::Guest ? ShutdownCause::GuestReset : cause,
                     kGuestResetStatus);
    return;
  }
  if ((impl_->requests.fetch_or(Impl::kReset) & Impl::kReset) != 0) return;
  impl_->reset_cause.store(cause);
  impl_->kick_vcpus();
  impl_->machine.main_loop().post([this] {
    if ((impl_->requests.load() & Impl::kShutdown) == 0) carry_out_reset();
  });
}

void RunControl::carry_out_reset() {
  if ((impl_->requests.load() & Impl::kReset) == 0) return;
  const bool was_running = state() == RunState::Running;
  hold();
  impl_->requests.fetch_and(~Impl::kReset);
  reset();
  const bool by_guest = is_guest(impl_->reset_cause.load());
  impl_->machine.events().send(
      kResetEvent, Value::Record{{"guest", by_guest}, {"reason", kResetReasons[by_guest ? 1 : 0]}});
  if (was_running) let_go();
}

void RunControl::request_shutdown(ShutdownCause cause, int exit_status) {
  if (impl_->actions.shutdown == ShutdownAction::Pause && is_guest(cause)) {
    if ((impl_->requests.load() & Impl::kStop) != 0) return;
    if (const std::string_view said = said_of(cause); !said.empty()) log::report(said);
    impl_->machine.main_loop().post([this, cause] { impl_->tell_shutdown(cause); });
    request_stop(StopCause::GuestShutdown);
    return;
  }
  if ((impl_->requests.fetch_or(Impl::kShutdown) & Impl::kShutdown) != 0) return;
  impl_->kick_vcpus();
  impl_->machine.main_loop().post([this, cause, exit_status] {
    if (const std::string_view said = said_of(cause); !said.empty()) log::report(said);
    impl_->shutdown_cause = cause;
    impl_->tell_shutdown(cause);
    hold();
    impl_->machine.main_loop().quit(exit_status);
  });
}

void RunControl::Impl::tell_shutdown(ShutdownCause cause) {
  machine.events().send(kShutdownEvent,
                        Value::Record{{"guest", is_guest(cause)}, {"reason", reason_of(cause)}});
}

void RunControl::request_stop(StopCause cause) {
  if ((impl_->requests.fetch_or(Impl::kStop) & Impl::kStop) != 0) return;
  impl_->kick_vcpus();
  impl_->machine.main_loop().post([this, cause] {
    stop();
    impl_->stop_cause = cause;
    impl_->requests.fetch_and(~Impl::kStop);
  });
}

void RunControl::report_debug_stop(Cpu& cpu, const DebugStop& stop) {
  const MachineLock::Guard lock;
  impl_->debug_stops.tell(cpu, stop);
  request_stop(StopCause::Debug);
}

void RunControl::report_panic() {
  log::report("the guest has panicked");
  const auto report = [this](std::string_view action) {
    impl_->machine.main_loop().post([this, action] {
      impl_->machine.events().send(kPanicEvent, Value::Record{{"action", action}});
    });
  };
  switch (impl_->actions.panic) {
    case PanicAction::Pause:
      report(kPanicActions[0]);
      request_stop(StopCause::GuestPanic);
      break;
    case PanicAction::Shutdown:
      report(kPanicActions[1]);
      request_shutdown(ShutdownCause::Panic);
      break;
    case PanicAction::ExitFailure:
      report(kPanicActions[1]);
      request_shutdown(ShutdownCause::Panic, 1);
      break;
    case PanicAction::None:
      report(kPanicActions[2]);
      break;
  }
}

void RunControl::request_powerdown() {
  impl_->machine.main_loop().post([this] {
    impl_->machine.events().send(kPowerdownEvent);
    impl_->powerdown.tell();
  });
}

}  // namespace backplane
