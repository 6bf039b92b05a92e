// SPDX-License-Identifier: MIT
#include "backplane/testing/test_machine.h"

#include <chrono>

#include "backplane/migration.h"

namespace backplane::testing {

namespace {

// More firings without time passing than any device needs.
constexpr unsigned kMostRoundsAtOnce = 10'000;

constexpr std::chrono::seconds kPatience{10};
constexpr i64 kPollInterval = 50'000'000;

}  // namespace

TestMachine::TestMachine(u64 ram_size, std::unique_ptr<Accelerator> accelerator) {
  config().ram_size = ram_size;
  virtual_clock().set_source([this] { return time_; });
  main_loop().detach_clock(virtual_clock());
  if (accelerator == nullptr) accelerator = std::make_unique<NullAccelerator>();
  set_accelerator(std::move(accelerator));
  phases().advance(Phase::AccelCreated);
  TestMachine::init();
  phases().advance(Phase::MachineInitialized);
}

TestMachine::~TestMachine() { tear_down(); }

Value TestMachine::call(Object& offering, std::string_view command, Value arguments) {
  for (const Command& row : dynamic_cast<CommandProvider&>(offering).commands()) {
    if (row.name != command) continue;
    Migration migration(*this);
    CommandContext context{.machine = *this, .migration = migration, .offering = &offering};
    return run(row, context, std::move(arguments));
  }
  throw Error::of("{} has no command {}", offering.type_name(), command);
}

void TestMachine::init() {
  ram_ = std::make_shared<RamBlock>("ram", config().ram_size);
  ram_region_ = MemoryRegion::ram("ram", ram_, 0, ram_->size());
  memory_root().add_subregion(0, *ram_region_);
  bus_ = &add_child("test-bus.0", std::make_unique<TestBus>());
}

void TestMachine::loaded() {
  Machine::loaded();
  time_ = loaded_time();
}

void TestMachine::power_on() {
  finish();
  phases().advance(Phase::MachineReady);
  run_control().reset();
}

void TestMachine::advance_time(i64 nanoseconds) {
  const i64 end = time_ + nanoseconds;
  unsigned rounds = 0;
  for (i64 next; (next = virtual_clock().next_deadline()) >= 0 && next <= end;) {
    if (next > time_) {
      time_ = next;
      rounds = 0;
    } else if (++rounds > kMostRoundsAtOnce) {
      throw Error::of("timers keep firing at {} ns", time_);
    }
    virtual_clock().run_timers();
  }
  time_ = end;
}

void TestMachine::run_main_loop() {
  while (main_loop().iterate(false)) {
  }
}

bool TestMachine::run_main_loop_until(const std::function<bool()>& done) {
  const auto limit = std::chrono::steady_clock::now() + kPatience;
  // Wakes the loop now and then, so that the limit is seen.
  Timer tick(realtime_clock(), [] {});
  while (!done()) {
    if (std::chrono::steady_clock::now() > limit) return false;
    tick.arm_in(kPollInterval);
    main_loop().iterate(true);
  }
  return true;
}

BACKPLANE_REGISTER(TestBus)
BACKPLANE_REGISTER(NullAccelerator)
BACKPLANE_REGISTER(TestMachine)

}  // namespace backplane::testing
