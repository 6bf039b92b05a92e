// SPDX-License-Identifier: MIT
// "qtest-accel": runs no guest code. A program drives the devices instead, in virtual time that it
// sets itself.
#pragma once

#include <memory>

#include "backplane/accelerator.h"
#include "backplane/vcpu_threads.h"
#include "stepped_clock.h"

namespace backplane::qtest {

class QtestAccel final : public Accelerator {
 public:
  static void class_init(AccelClass& k) {
    k.runs_guests = false;
    k.stateless();
  }
  ~QtestAccel() override { shutdown(); }

  void count_instructions(const IcountOptions& options) override;
  void init_machine(Machine& machine) override;
  void create_vcpu(Cpu& cpu) override;
  void shutdown() override { threads_.stop(); }
  Value describe() const override;

  // From init_machine() on.
  SteppedClock& clock() { return *clock_; }

 private:
  std::unique_ptr<SteppedClock> clock_;
  VcpuThreads threads_;
};

}  // namespace backplane::qtest
