// SPDX-License-Identifier: MIT
#include "accelerator.h"

#include <condition_variable>
#include <mutex>

#include "backplane/machine.h"
#include "backplane/modinfo.h"

namespace backplane::qtest {

namespace {

// A processor that executes nothing, however many interrupts wait for it.
class IdleVcpu final : public Vcpu {
 public:
  Exit run() override {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return kicked_; });
    kicked_ = false;
    return Exit::Kicked;
  }
  void kick() override {
    const std::lock_guard lock(mutex_);
    kicked_ = true;
    wake_.notify_one();
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool kicked_ = false;
};

}  // namespace

void QtestAccel::count_instructions(const IcountOptions&) {
  throw Error("-icount: no instruction is executed that could be counted");
}

void QtestAccel::init_machine(Machine& machine) {
  clock_ = std::make_unique<SteppedClock>(machine.virtual_clock());
}

void QtestAccel::create_vcpu(Cpu& cpu) { threads_.start(*this, cpu, std::make_unique<IdleVcpu>()); }

Value QtestAccel::describe() const {
  return Value::Record{{"virtual-time", clock_ == nullptr ? 0 : clock_->now()}};
}

BACKPLANE_TYPE(QtestAccel, "qtest-accel",
               .description = "Runs no guest code: a program drives the devices");
BACKPLANE_MODULE("accel-qtest", "0.1", "Devices driven by a program instead of a guest")

}  // namespace backplane::qtest
