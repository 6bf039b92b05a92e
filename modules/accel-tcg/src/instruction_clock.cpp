// SPDX-License-Identifier: MIT
#include "instruction_clock.h"

#include <algorithm>
#include <thread>

#include "vcpu/vcpu.h"

namespace backplane::tcg {
namespace {

constexpr i64 kLongestRound = 1 << 20;        // instructions
constexpr i64 kAdjustInterval = 100'000'000;  // ns of virtual time between looks at shift=auto
constexpr i64 kAlignTolerance = 3'000'000;    // ns that virtual time may run ahead
constexpr unsigned kMaxShift = 10;

}  // namespace

InstructionClock::InstructionClock(Machine& machine, const IcountOptions& options)
    : machine_(machine), options_(options), shift_(options.adaptive ? 3 : options.shift) {
  Clock& clock = machine.virtual_clock();
  clock.follow_instructions([this] { return now(); });
  clock.set_rearmed_hook([this] { timer_rearmed(); });
}

InstructionClock::~InstructionClock() {
  machine_.virtual_clock().follow_instructions({});
  machine_.virtual_clock().set_rearmed_hook({});
}

u64 InstructionClock::instructions() const {
  u64 n = counted_.load(std::memory_order_relaxed);
  for (const TcgVcpu* vcpu : vcpus_) n += static_cast<u64>(vcpu->executed());
  return n;
}

i64 InstructionClock::now() const {
  const u64 since = instructions() - base_count_.load(std::memory_order_relaxed);
  return base_.load(std::memory_order_relaxed) +
         static_cast<i64>(since << shift_.load(std::memory_order_relaxed));
}

std::span<const StateMember> InstructionClock::State::members() {
  static const StateMember kMembers[] = {
      member<&State::instructions>("instructions"),
      member<&State::time>("time", within(0, kTime.most)),
      member<&State::shift>("shift", within(0, kMaxShift)),
  };
  return kMembers;
}

InstructionClock::State InstructionClock::state() const {
  return {.instructions = instructions(), .time = now(), .shift = shift_.load()};
}

void InstructionClock::go_on_from(const State& state) {
  for (TcgVcpu* vcpu : vcpus_) vcpu->set_budget(0);
  counted_.store(state.instructions);
  base_count_.store(state.instructions);
  base_.store(state.time);
  if (options_.adaptive) shift_.store(state.shift);
}

void InstructionClock::account() {
  const u64 total = instructions();
  for (TcgVcpu* vcpu : vcpus_) vcpu->set_budget(0);
  counted_.store(total, std::memory_order_relaxed);
}

void InstructionClock::begin_round() {
  account();
  if (real_start_ < 0) real_start_ = machine_.realtime_clock().now() - now();
  if (options_.adaptive) adjust_shift();
  if (options_.align) wait_for_real_time();
  const MachineLock::Guard lock;
  machine_.virtual_clock().run_timers();
  const i64 deadline = machine_.virtual_clock().next_deadline();
  // Rounds end at fixed counts, however often something made the vCPUs leave on the way.
  i64 budget = kLongestRound - static_cast<i64>(counted_.load() % kLongestRound);
  if (deadline >= 0) budget = std::min(budget, (deadline - now()) >> shift_.load());
  for (TcgVcpu* vcpu : vcpus_) vcpu->set_budget(static_cast<i32>(std::max<i64>(budget, 1)));
}

// A timer was armed earlier than the running budgets assume, or than idle() waits for.
void InstructionClock::timer_rearmed() {
  if (Cpu::current() == nullptr) {
    // Not by the guest: the budgets are the vCPU thread's.
    for (TcgVcpu* vcpu : vcpus_) vcpu->cpu().kick();
    return;
  }
  const i64 deadline = machine_.virtual_clock().next_deadline();
  if (deadline < 0) return;
  const i64 left = std::max<i64>((deadline - now()) >> shift_.load(), 0);
  for (TcgVcpu* vcpu : vcpus_) vcpu->limit_budget(static_cast<i32>(std::min(left, kLongestRound)));
}

i64 InstructionClock::idle() {
  account();
  Clock& clock = machine_.virtual_clock();
  const i64 deadline = clock.next_deadline();
  if (deadline < 0) return -1;
  const i64 ahead = deadline - now();
  if (ahead > 0 && options_.sleep && wait_until_ != deadline) {
    wait_until_ = deadline;
    return ahead;
  }
  if (ahead > 0) base_.fetch_add(ahead);
  wait_until_ = -1;
  clock.run_timers();
  return 0;
}

// shift=auto: keeps virtual time near real time by halving or doubling the cost of an instruction.
void InstructionClock::adjust_shift() {
  const i64 virtual_now = now();
  if (virtual_now < next_adjustment_) return;
  next_adjustment_ = virtual_now + kAdjustInterval;
  const i64 lead = virtual_now - (machine_.realtime_clock().now() - real_start_);
  unsigned shift = shift_.load();
  if (lead > kAdjustInterval && shift > 0)
    --shift;
  else if (lead < -kAdjustInterval && shift < kMaxShift)
    ++shift;
  if (shift == shift_.load()) return;
  base_.store(virtual_now);
  base_count_.store(instructions());
  shift_.store(shift);
}

void InstructionClock::wait_for_real_time() {
  const i64 lead = now() - (machine_.realtime_clock().now() - real_start_);
  if (lead > kAlignTolerance) std::this_thread::sleep_for(std::chrono::nanoseconds(lead));
}

}  // namespace backplane::tcg
