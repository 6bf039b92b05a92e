// SPDX-License-Identifier: MIT
// Starting, stopping and resetting; requests, which any thread makes and the main loop carries out.
#include "backplane/log.h"
#include "backplane/machine.h"
#include "cpu/vcpu_thread_impl.h"
#include "machine/machine_impl.h"
#include "machine/tree.h"

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

bool is_guest(ShutdownCause cause) {
  return cause == ShutdownCause::Guest || cause == ShutdownCause::GuestReset ||
         cause == ShutdownCause::TripleFault || cause == ShutdownCause::Panic;
}

}  // namespace

void Machine::start() {
  if (run_state() == RunState::Running) return;
  for (const auto& hook : run_state_hooks_) hook(true);
  virtual_clock_.start();
  run_state_.store(RunState::Running);
  stop_cause_ = StopCause::Request;
  // No kick: none of them is in guest code that it would have to leave.
  for (Cpu* const cpu : cpus_)
    if (cpu->thread_ != nullptr) cpu->thread_->impl_->wake();
}

void Machine::stop() {
  if (run_state() == RunState::Stopped) return;
  run_state_.store(RunState::Stopped);
  kick_vcpus();
  wait_for_vcpus();
  virtual_clock_.stop();
  for (const auto& hook : run_state_hooks_) hook(false);
}

void Machine::kick_vcpus() {
  for (Cpu* const cpu : cpus_) cpu->kick();
}

void Machine::wait_for_vcpus() {
  for (Cpu* const cpu : cpus_) {
    if (cpu->thread_ == nullptr) continue;
    const VcpuThread::Impl& thread = *cpu->thread_->impl_;
    // On a vCPU's own thread the caller is the one that is outside guest code.
    while (!thread.is_this_thread() && !thread.outside_guest()) MachineLock::wait(impl_->progress);
  }
}

void Machine::reset() {
  const bool was_running = run_state() == RunState::Running;
  stop();
  for (Device* const device : objects_below<Device>(*this))
    if (device->realized() && device->bus() == nullptr && dynamic_cast<Cpu*>(device) == nullptr)
      device->reset();
  for (Bus* const bus : buses())
    if (bus->owner() == nullptr) bus->reset();
  for (Cpu* const cpu : cpus_) cpu->reset();
  for (const auto& hook : reset_hooks_) hook();
  for (Cpu* const cpu : cpus_)
    if (cpu->vcpu() != nullptr) cpu->run_on_thread([cpu] { cpu->vcpu()->put_state(); });
  if (was_running) start();
}

void Machine::request_reset(ShutdownCause cause) {
  if (config_.actions.reboot == RebootAction::Shutdown && is_guest(cause)) {
    request_shutdown(cause == ShutdownCause::Guest ? ShutdownCause::GuestReset : cause,
                     kGuestResetStatus);
    return;
  }
  if ((impl_->requests.fetch_or(Impl::kReset) & Impl::kReset) != 0) return;
  kick_vcpus();
  main_loop_.post([this] {
    if ((impl_->requests.load() & Impl::kShutdown) == 0) carry_out_reset();
  });
}

void Machine::carry_out_reset() {
  if ((impl_->requests.load() & Impl::kReset) == 0) return;
  const bool was_running = run_state() == RunState::Running;
  stop();
  impl_->requests.fetch_and(~Impl::kReset);
  reset();
  if (was_running) start();
}

void Machine::request_shutdown(ShutdownCause cause, int exit_status) {
  if (config_.actions.shutdown == ShutdownAction::Pause && is_guest(cause)) {
    if (const std::string_view said = said_of(cause); !said.empty()) log::report(said);
    request_stop(StopCause::GuestShutdown);
    return;
  }
  if ((impl_->requests.fetch_or(Impl::kShutdown) & Impl::kShutdown) != 0) return;
  kick_vcpus();
  main_loop_.post([this, cause, exit_status] {
    if (const std::string_view said = said_of(cause); !said.empty()) log::report(said);
    shutdown_cause_ = cause;
    stop();
    main_loop_.quit(exit_status);
  });
}

void Machine::request_stop(StopCause cause) {
  if ((impl_->requests.fetch_or(Impl::kStop) & Impl::kStop) != 0) return;
  kick_vcpus();
  main_loop_.post([this, cause] {
    stop();
    stop_cause_ = cause;
    impl_->requests.fetch_and(~Impl::kStop);
  });
}

void Machine::report_panic() {
  log::report("the guest has panicked");
  switch (config_.actions.panic) {
    case PanicAction::Pause:
      request_stop(StopCause::GuestPanic);
      break;
    case PanicAction::Shutdown:
      request_shutdown(ShutdownCause::Panic);
      break;
    case PanicAction::ExitFailure:
      request_shutdown(ShutdownCause::Panic, 1);
      break;
    case PanicAction::None:
      break;
  }
}

void Machine::request_powerdown() {
  main_loop_.post([this] {
    if (powerdown_) powerdown_();
  });
}

}  // namespace backplane
