// SPDX-License-Identifier: MIT
#include "backplane/testing/test_machine.h"

#include <gtest/gtest.h>

#include "backplane/testing/irq_recorder.h"
#include "backplane/testing/register_driver.h"

namespace backplane::testing {
namespace {

// Counts microseconds of virtual time, and raises its line at each.
class Ticker final : public Device {
 public:
  void realize() {
    region_ = MemoryRegion::mmio("ticker", 4,
                                 MmioHandler::of<&Ticker::read, &Ticker::write>(*this).sizes(4, 4));
    machine().io_root().add_subregion(0x40, *region_);
    timer_ = std::make_unique<Timer>(machine().virtual_clock(), [this] { tick(); });
    timer_->arm_in(kPeriod);
  }
  IrqLine irq;

 private:
  static constexpr i64 kPeriod = 1000;
  u64 read(u64, unsigned) { return count_; }
  void write(u64, u64 value, unsigned) { count_ = static_cast<u32>(value); }
  void tick() {
    ++count_;
    irq.pulse();
    timer_->arm_at(machine().virtual_clock().now() + kPeriod);
  }

  std::unique_ptr<MemoryRegion> region_;
  std::unique_ptr<Timer> timer_;
  u32 count_ = 0;
};
BACKPLANE_TYPE(Ticker, "test-ticker")

TEST(TestMachine, HasRam) {
  TestMachine machine(1_MiB);
  machine.memory().store<u32>(0x1000, 0x12345678);
  EXPECT_EQ(machine.ram().host()[0x1003], 0x12);
  EXPECT_EQ(machine.memory().load<u8>(1_MiB), 0xff);
}

TEST(TestMachine, DrivesADeviceThroughItsRegistersTimeAndInterrupts) {
  TestMachine machine;
  IrqRecorder irq;
  auto& ticker = static_cast<Ticker&>(machine.create_device("test-ticker"));
  ticker.irq = irq.line();
  machine.power_on();
  RegisterDriver driver(machine.io(), 0x40);

  machine.advance_time(2999);
  EXPECT_EQ(driver.read32(0), 2U);
  machine.advance_time(1);
  EXPECT_EQ(driver.read32(0), 3U);
  EXPECT_EQ(irq.edges(), 3U);
  EXPECT_FALSE(irq.level());
  driver.write32(0, 100);
  EXPECT_EQ(driver.read16(0), 100U);
}

TEST(TestMachine, SaysWhenTimersNeverEnd) {
  TestMachine machine;
  Timer* self = nullptr;
  Timer endless(machine.virtual_clock(), [&] { self->arm_at(0); });
  self = &endless;
  endless.arm_at(0);
  EXPECT_THROW(machine.advance_time(1), Error);
}

TEST(TestMachine, RunsTheMainLoopOnRequest) {
  TestMachine machine;
  unsigned done = 0;
  machine.main_loop().post([&] {
    ++done;
    machine.main_loop().post([&] { ++done; });
  });
  EXPECT_EQ(done, 0U);
  machine.run_main_loop();
  EXPECT_EQ(done, 2U);
  EXPECT_TRUE(machine.run_main_loop_until([] { return true; }));
}

}  // namespace
}  // namespace backplane::testing
