// SPDX-License-Identifier: MIT
#include <algorithm>
#include <chrono>

#include "backplane/log.h"
#include "cpu/vcpu_thread_impl.h"
#include "machine/run_control_impl.h"
#include "thread/host_thread.h"

namespace backplane {

namespace {

// Nanoseconds; more would overflow the host's clocks.
constexpr i64 kLongestSleep = 3600'000'000'000;

}  // namespace

thread_local VcpuThread::Impl* VcpuThread::Impl::current = nullptr;

VcpuThread::VcpuThread(Machine& machine, std::string name)
    : impl_(std::make_unique<Impl>(machine, std::move(name))) {}

VcpuThread::~VcpuThread() { stop(); }

void VcpuThread::add(Cpu& cpu) {
  cpu.thread_ = this;
  {
    const std::lock_guard<std::mutex> lock(impl_->mutex);
    impl_->added.push_back(&cpu);
  }
  impl_->wake();
}

void VcpuThread::start() {
  if (impl_->thread.joinable()) return;
  impl_->thread = start_thread(impl_->name, [impl = impl_.get()] { impl->main(); });
}

void VcpuThread::stop() {
  if (impl_->thread.joinable()) {
    impl_->stopping.store(true);
    impl_->kick_running();
    impl_->wake();
    const MachineLock::Release release;
    impl_->thread.join();
  }
  for (std::vector<Cpu*>* const cpus : {&impl_->cpus, &impl_->added}) {
    for (Cpu* const cpu : *cpus) cpu->thread_ = nullptr;
    cpus->clear();
  }
}

void VcpuThread::set_idle_hook(std::function<i64()> hook) { impl_->idle_hook = std::move(hook); }

void VcpuThread::set_round_hook(std::function<void()> hook) { impl_->round_hook = std::move(hook); }

std::condition_variable_any& VcpuThread::Impl::progress() const {
  return machine.run_control().impl_->progress;
}

void VcpuThread::Impl::wake() {
  awake.store(true);
  // Either we see it asleep, or it sees `awake` before it sleeps.
  if (!sleeping.load()) return;
  const std::lock_guard<std::mutex> lock(mutex);
  woken.notify_one();
}

void VcpuThread::Impl::kick_running() {
  if (Cpu* const cpu = running.load(); cpu != nullptr) cpu->vcpu()->kick();
}

bool VcpuThread::Impl::push(Work item) {
  const std::lock_guard<std::mutex> lock(mutex);
  if (ended || !thread.joinable()) return false;
  work.push_back(std::move(item));
  has_work.store(true);
  return true;
}

void VcpuThread::Impl::main() {
  current = this;
  for (;;) {
    awake.store(false);
    adopt_added();
    do_all();
    if (stopping.load()) break;
    if (!may_run()) {
      leave_guest();
      sleep(-1);
      continue;
    }
    in_guest.store(true);
    // The machine may have been stopped, and found us outside, in between.
    if (!may_run()) continue;
    if (round_hook) round_hook();
    if (!run_round()) idle();
  }
  {
    const std::lock_guard<std::mutex> lock(mutex);
    ended = true;
  }
  do_all();
  leave_guest();
}

void VcpuThread::Impl::adopt_added() {
  std::vector<Cpu*> newcomers;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    newcomers.swap(added);
  }
  for (Cpu* const cpu : newcomers) {
    Cpu::set_current(cpu);
    cpu->host_thread_.store(current_thread_id());
    try {
      cpu->vcpu()->thread_started();
    } catch (const std::exception& error) {
      fail(error);
    }
    Cpu::set_current(nullptr);
    cpus.push_back(cpu);
  }
}

bool VcpuThread::Impl::do_one() {
  Work item;
  {
    const std::lock_guard<std::mutex> lock(mutex);
    if (work.empty()) return false;
    item = std::move(work.front());
    work.pop_front();
    has_work.store(!work.empty());
  }
  Cpu* const before = Cpu::current();
  Cpu::set_current(item.cpu);
  std::exception_ptr error;
  try {
    item.fn();
  } catch (const std::exception& e) {
    error = std::current_exception();
    if (item.done == nullptr) log::report(e.what());
  }
  Cpu::set_current(before);
  if (item.done != nullptr) {
    *item.error = error;
    *item.done = true;
  }
  progress().notify_all();
  return true;
}

void VcpuThread::Impl::do_all() {
  if (!has_work.load()) return;
  const MachineLock::Guard lock;
  while (do_one()) {
  }
}

bool VcpuThread::Impl::may_run() const { return machine.run_control().impl_->guest_may_run(); }

// Lets each CPU that has something to do run once. False if none has.
bool VcpuThread::Impl::run_round() {
  bool ran = false;
  for (std::size_t turns = cpus.size(); turns != 0; --turns) {
    if (next >= cpus.size()) next = 0;
    Cpu& cpu = *cpus[next++];
    if (cpu.held() || (cpu.halted() && !cpu.has_work())) continue;
    run(cpu);
    ran = true;
    if (stopping.load() || has_work.load() || !may_run()) break;
  }
  return ran;
}

void VcpuThread::Impl::run(Cpu& cpu) {
  Cpu::set_current(&cpu);
  running.store(&cpu);
  try {
    // A kick that came before `running` was set went to no vCPU of ours: look once more.
    if (!stopping.load() && !has_work.load() && may_run()) note_exit(cpu, cpu.vcpu()->run());
  } catch (const std::exception& error) {
    fail(error);
  }
  running.store(nullptr);
  Cpu::set_current(nullptr);
}

void VcpuThread::Impl::note_exit(Cpu& cpu, Vcpu::Exit exit) {
  RunControl& control = machine.run_control();
  if (exit == Vcpu::Exit::Debug) control.report_debug_stop(cpu, cpu.vcpu()->debug_stop());
  // A stopped one does not stop the machine if it asked for a reset, which ends what it is stopped
  // for.
  if (exit == Vcpu::Exit::Stopped && control.impl_->requests.load() == 0)
    control.request_stop(StopCause::InternalError);
}

// The accelerator cannot go on: the program ends.
void VcpuThread::Impl::fail(const std::exception& error) {
  log::report(error.what());
  machine.run_control().request_shutdown(ShutdownCause::HostRequest, 1);
}

void VcpuThread::Impl::leave_guest() {
  if (!in_guest.load()) return;
  const MachineLock::Guard lock;
  in_guest.store(false);
  progress().notify_all();
}

void VcpuThread::Impl::idle() {
  i64 nanoseconds = -1;
  if (idle_hook) {
    const MachineLock::Guard lock;
    nanoseconds = idle_hook();
  }
  if (nanoseconds != 0) sleep(nanoseconds);
}

// Until woken, at most that long (-1: for ever).
void VcpuThread::Impl::sleep(i64 nanoseconds) {
  std::unique_lock<std::mutex> lock(mutex);
  sleeping.store(true);
  const auto is_awake = [this] { return awake.load(); };
  if (nanoseconds < 0)
    woken.wait(lock, is_awake);
  else
    woken.wait_for(lock, std::chrono::nanoseconds(std::min(nanoseconds, kLongestSleep)), is_awake);
  sleeping.store(false);
}

}  // namespace backplane
