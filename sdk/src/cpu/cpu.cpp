// SPDX-License-Identifier: MIT
#include "backplane/cpu.h"

#include <utility>

#include "cpu/vcpu_thread_impl.h"

namespace backplane {

namespace {

thread_local Cpu* current_cpu = nullptr;

// Makes a CPU the current one for a scope: one thread may run several.
class AsCurrent {
 public:
  explicit AsCurrent(Cpu* cpu) : before_(std::exchange(current_cpu, cpu)) {}
  ~AsCurrent() { current_cpu = before_; }
  AsCurrent(const AsCurrent&) = delete;
  AsCurrent& operator=(const AsCurrent&) = delete;

 private:
  Cpu* before_;
};

}  // namespace

void Cpu::class_init(CpuClass& k) {
  k.hotpluggable = false;
  k.state<&Cpu::state_>(1, {member<&State::interrupt_request>("interrupt_request"),
                            member<&State::halted>("halted")});
}

Cpu::Cpu() = default;
Cpu::~Cpu() = default;

Cpu* Cpu::current() { return current_cpu; }
void Cpu::set_current(Cpu* cpu) { current_cpu = cpu; }

void Cpu::set_vcpu(std::unique_ptr<Vcpu> vcpu) { vcpu_ = std::move(vcpu); }

void Cpu::reset() {
  Device::reset();
  interrupt_request_.store(0);
  set_halted(false);
}

void Cpu::saving() {
  Device::saving();
  state_ = {.interrupt_request = interrupt_request(), .halted = halted()};
}

void Cpu::loaded() {
  Device::loaded();
  interrupt_request_.store(state_.interrupt_request);
  set_halted(state_.halted);
}

void Cpu::raise(u32 bits) {
  interrupt_request_.fetch_or(bits);
  kick();
}

void Cpu::kick() {
  if (vcpu_ != nullptr) vcpu_->kick();
  if (thread_ == nullptr) return;
  VcpuThread::Impl& thread = *thread_->impl_;
  if (thread.running.load() != this) thread.kick_running();
  thread.wake();
}

void Cpu::run_on_thread(const std::function<void()>& fn) {
  bool done = false;
  std::exception_ptr error;
  VcpuThread::Impl* const thread = thread_ == nullptr ? nullptr : thread_->impl_.get();
  const bool at_home = thread != nullptr && thread->is_this_thread();
  if (thread == nullptr || at_home || !thread->push({this, fn, &done, &error})) {
    const AsCurrent as_current(thread == nullptr || at_home ? this : current_cpu);
    fn();
    return;
  }
  kick();
  std::condition_variable_any& progress = thread->progress();
  // Another vCPU's thread may be waiting for us in the same way.
  progress.notify_all();
  while (!done)
    if (VcpuThread::Impl::current == nullptr || !VcpuThread::Impl::current->do_one())
      MachineLock::wait(progress);
  if (error) std::rethrow_exception(error);
}

void Cpu::run_on_thread_later(std::function<void()> fn) {
  VcpuThread::Impl* const thread = thread_ == nullptr ? nullptr : thread_->impl_.get();
  if (thread != nullptr && thread->push({this, fn})) {
    kick();
    return;
  }
  const MachineLock::Guard lock;
  fn();
}

BACKPLANE_REGISTER_ABSTRACT(Cpu, .category = "CPU", .board_only = true)

}  // namespace backplane
