// SPDX-License-Identifier: MIT
// Instruction counting (-icount): virtual time advances with the instructions executed, so that
// the same guest runs the same way twice.
#pragma once

#include <vector>

#include "backplane/machine.h"
#include "backplane/state.h"

namespace backplane::tcg {

class TcgVcpu;

// Used on the one thread that runs all vCPUs, except now(), which any thread may call.
class InstructionClock {
 public:
  InstructionClock(Machine& machine, const IcountOptions& options);
  ~InstructionClock();
  InstructionClock(const InstructionClock&) = delete;
  InstructionClock& operator=(const InstructionClock&) = delete;

  void add(TcgVcpu& vcpu) { vcpus_.push_back(&vcpu); }
  // Virtual nanoseconds.
  i64 now() const;
  u64 instructions() const;

  // Where it has got to, while no vCPU runs.
  struct State {
    u64 instructions = 0;
    i64 time = 0;
    unsigned shift = 0;
    static std::span<const StateMember> members();
  };
  State state() const;
  void go_on_from(const State& state);

  // Before each round: accounts what ran, fires due timers, hands out budgets.
  void begin_round();
  // All CPUs are halted: lets time pass to the next deadline. Returns as VcpuThread's idle hook.
  i64 idle();

 private:
  void account();
  void timer_rearmed();
  void adjust_shift();
  void wait_for_real_time();

  Machine& machine_;
  IcountOptions options_;
  std::vector<TcgVcpu*> vcpus_;
  std::atomic<u64> counted_{0};  // instructions of finished rounds
  std::atomic<i64> base_{0};     // virtual time at counted_ == base_count_
  std::atomic<u64> base_count_{0};
  std::atomic<unsigned> shift_;
  i64 wait_until_ = -1;  // virtual deadline that idle() sleeps towards
  i64 real_start_ = -1;  // real time at virtual 0, for align and shift=auto
  i64 next_adjustment_ = 0;
};

}  // namespace backplane::tcg
