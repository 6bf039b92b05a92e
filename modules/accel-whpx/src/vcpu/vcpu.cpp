// SPDX-License-Identifier: MIT
#include "vcpu/vcpu.h"

#include <x86intrin.h>

#include <algorithm>
#include <array>

#include "backplane/machine.h"
#include "backplane/x86/apic.h"
#include "backplane/x86/system.h"
#include "interrupts/own_apic.h"
#include "interrupts/platform_apic.h"
#include "vcpu/state.h"

namespace backplane::whpx {
namespace {

std::unique_ptr<InterruptDelivery> make_delivery(x86::X86Cpu& cpu,
                                                 const VirtualProcessor& processor) {
  if (processor.partition().has_platform_apics())
    return std::make_unique<PlatformApicDelivery>(cpu, processor);
  return std::make_unique<OwnApicDelivery>(cpu, processor);
}

}  // namespace

WhpxVcpu::WhpxVcpu(const Partition& partition, x86::X86Cpu& cpu)
    : cpu_(cpu),
      state_(cpu.state()),
      linear_(cpu.state(), cpu.machine().memory()),
      interpreter_(cpu, linear_),
      processor_(partition, cpu.apic().id()),
      emulator_(processor_, cpu.machine().memory(), cpu.machine().io()),
      platform_apic_(partition.has_platform_apics()),
      delivery_(make_delivery(cpu, processor_)),
      registers_(state_registers()) {
  for (const WHV_REGISTER_NAME name : optional_state_registers(partition.has_xsave()))
    if (processor_.has(name)) registers_.push_back(name);
}

void WhpxVcpu::kick() {
  kicked_.store(true);
  // Either enter() sees it, or is cancelled. A cancel that comes too late ends the next run.
  if (running_.load()) processor_.cancel();
}

void WhpxVcpu::get_state() {
  if (!started_) return;
  load();
  if (platform_apic_) load_local_apic(processor_, cpu_);
}

void WhpxVcpu::put_state() {
  entry_.clear();
  store();
  delivery_->drop(entry_);
  if (platform_apic_) reset_platform_apic();
  if (!started_) processor_.set(WHvX64RegisterTsc, cpu_.tsc());
  if (const std::optional<u64> tsc = cpu_.take_loaded_tsc()) {
    expect_saves_state();
    processor_.set(WHvX64RegisterTsc, *tsc);
    kept_tsc_ = tsc;
  }
  measure_tsc();
  started_ = true;
}

// It waits for interrupts and start-up messages in the platform, not here.
void WhpxVcpu::reset_platform_apic() {
  store_local_apic(processor_, cpu_);
  WHV_INTERNAL_ACTIVITY_REGISTER activity{};
  activity.StartupSuspend = state_.wait_for_sipi != 0 ? 1 : 0;
  processor_.set(WHvRegisterInternalActivityState, activity.AsUINT64);
  cpu_.set_halted(false);
}

void WhpxVcpu::flush_entry() {
  if (!entry_.empty()) processor_.set(entry_);
  entry_.clear();
}

void WhpxVcpu::load() {
  flush_entry();
  const std::vector<WHV_REGISTER_VALUE> values = processor_.get(registers_);
  const auto debug_registers = std::to_array(state_.dr);
  for (std::size_t n = 0; n < values.size(); ++n) from_platform(registers_[n], values[n], state_);
  if (points_in_place_) std::ranges::copy(debug_registers, state_.dr);
}

void WhpxVcpu::store() {
  RegisterBatch batch;
  for (const WHV_REGISTER_NAME name : registers_) batch.add(name) = to_platform(name, state_);
  if (points_in_place_) keep_debug_registers(batch);
  if (!platform_apic_) batch.add(WHvX64RegisterApicBase, cpu_.apic().base());
  processor_.set(batch);
  delivery_->take(state_);
}

// Our local APIC's deadlines are of the guest's counter.
void WhpxVcpu::measure_tsc() {
  const u64 before = __rdtsc();
  const u64 guest = processor_.get(WHvX64RegisterTsc).Reg64;
  const u64 after = __rdtsc();
  state_.tsc_offset = static_cast<i64>(guest - (before + (after - before) / 2));
  tsc_is_known_ = true;
}

void WhpxVcpu::keep_tsc() {
  if (started_) kept_tsc_ = processor_.get(WHvX64RegisterTsc).Reg64;
}

void WhpxVcpu::put_tsc_back() {
  if (!kept_tsc_) return;
  processor_.set(WHvX64RegisterTsc, *kept_tsc_);
  kept_tsc_.reset();
  tsc_is_known_ = false;
}

void WhpxVcpu::service_startup() {
  load();
  x86::service_interrupts({cpu_, linear_});
  store();
  delivery_->drop(entry_);
}

Vcpu::Exit WhpxVcpu::run() {
  for (;;) {
    if (kicked_.exchange(false)) return Exit::Kicked;
    if (state_.shutdown != 0) return Exit::Stopped;
    if ((cpu_.interrupt_request() & (x86::kRequestInit | x86::kRequestSipi)) != 0)
      service_startup();
    if (points_changed_) put_points_in_place();
    if (state_.wait_for_sipi != 0 && !platform_apic_) return Exit::Halted;
    if (cpu_.halted()) {
      if (!cpu_.has_work()) return Exit::Halted;
      // A step takes what wakes it itself.
      if (step_ == DebugStep::None) cpu_.set_halted(false);
    }
    switch (step_ != DebugStep::None ? step() : enter()) {
      case Next::Go:
        break;
      case Next::Kicked:
        return Exit::Kicked;
      case Next::Halted:
        return Exit::Halted;
      case Next::Stopped:
        return Exit::Stopped;
      case Next::Debug:
        return Exit::Debug;
    }
  }
}

WhpxVcpu::Next WhpxVcpu::enter() {
  delivery_->prepare(entry_);
  flush_entry();
  running_.store(true);
  const bool enters = !kicked_.load();
  if (enters) processor_.run(exit_);
  running_.store(false);
  if (!enters) return Next::Go;
  ++counters_.exits;
  take_context();
  if (!tsc_is_known_) measure_tsc();
  return handle_exit();
}

// What every exit says of the state, for those who look at it without the rest.
void WhpxVcpu::take_context() {
  const WHV_VP_EXIT_CONTEXT& context = exit_.VpContext;
  delivery_->take(context);
  state_.rip = context.Rip;
  state_.rflags = context.Rflags;
  const u64 protection = context.ExecutionState.Cr0Pe != 0 ? x86::kCr0PE : 0;
  state_.cr0 = (state_.cr0 & ~x86::kCr0PE) | protection;
  constexpr u16 kDpl = 3 << 5;
  u16& stack = state_.seg[x86::SS].attributes;
  stack = static_cast<u16>((stack & ~kDpl) | context.ExecutionState.Cpl << 5);
}

}  // namespace backplane::whpx
