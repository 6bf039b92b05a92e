// SPDX-License-Identifier: MIT
// Instruction counting (-icount): virtual time advances with the instructions executed, so that
// the same guest runs the same way twice.
#pragma once

#include <vector>

#include "backplane/machine.h"

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
  std::atomic<u64> counted_{0};   // instructions of finished rounds
  std::atomic<i64> base_{0};      // virtual time at counted_ == base_count_
  std::atomic<u64> base_count_{0};
  std::atomic<unsigned> shift_;
  i64 wait_until_ = -1;           // virtual deadline that idle() sleeps towards
  i64 real_start_ = -1;           // real time at virtual 0, for align and shift=auto
  i64 next_adjustment_ = 0;
};

}  // namespace backplane::tcg
