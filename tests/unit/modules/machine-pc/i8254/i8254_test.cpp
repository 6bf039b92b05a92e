// SPDX-License-Identifier: MIT
#include "i8254/i8254.h"

#include <gtest/gtest.h>

#include "backplane/testing/irq_recorder.h"
#include "backplane/testing/test_machine.h"

namespace backplane::pc {
namespace {

constexpr i64 kMillisecond = 1'000'000, kSecond = 1'000'000'000;

class PitTest : public ::testing::Test {
 protected:
  void program(unsigned counter, unsigned mode, u16 count, bool bcd = false) {
    pit_.write(3, static_cast<u8>(counter << 6 | 0x30 | mode << 1 | (bcd ? 1 : 0)));
    pit_.write(counter, static_cast<u8>(count));
    pit_.write(counter, static_cast<u8>(count >> 8));
  }
  u16 read_counter(unsigned counter) {
    pit_.write(3, static_cast<u8>(counter << 6));  // latch
    const u8 low = pit_.read(counter);
    return static_cast<u16>(low | pit_.read(counter) << 8);
  }
  u8 status(unsigned counter) {
    pit_.write(3, static_cast<u8>(0xe0 | 2 << counter));
    return pit_.read(counter);
  }
  void ticks(u64 n) {
    machine_.advance_time(static_cast<i64>((n * kSecond + Pit8254::kHertz - 1) / Pit8254::kHertz));
  }

  testing::TestMachine machine_{1_MiB};
  testing::IrqRecorder irq_;
  Pit8254 pit_{machine_.virtual_clock(), irq_.line()};
};

TEST_F(PitTest, RateGeneratorFiresAtEachPeriod) {
  program(0, 2, 11932);  // 100 Hz
  irq_.forget();
  machine_.advance_time(kSecond);
  EXPECT_GE(irq_.edges(), 99u);
  EXPECT_LE(irq_.edges(), 100u);
}

TEST_F(PitTest, SquareWaveFiresAtEachPeriodAndHoldsItsOutputForHalfOfIt) {
  pit_.set_gate2(true);
  program(2, 3, 1000);
  EXPECT_TRUE(pit_.output2());
  ticks(600);
  EXPECT_FALSE(pit_.output2());
  ticks(450);
  EXPECT_TRUE(pit_.output2());
}

TEST_F(PitTest, InterruptOnTerminalCountFiresOnce) {
  program(0, 0, 1193);
  irq_.forget();
  machine_.advance_time(kSecond);
  EXPECT_EQ(irq_.edges(), 1u);
}

TEST_F(PitTest, GoesOnWithTheRegistersOfAnother) {
  program(0, 2, 1193);
  pit_.set_gate2(true);
  program(2, 0, 5000);
  ticks(300);
  const x86::TimerRegisters registers = pit_.registers();
  pit_.reset();
  irq_.forget();
  pit_.set_registers(registers);
  ticks(2000);
  EXPECT_EQ(irq_.edges(), 0u) << "it stands still";
  pit_.set_registers(registers);
  EXPECT_NEAR(read_counter(2), 4700, 2);
  pit_.loaded();
  ticks(885);
  EXPECT_EQ(irq_.edges(), 0u);
  ticks(20);
  EXPECT_EQ(irq_.edges(), 1u);
  ticks(1193);
  EXPECT_EQ(irq_.edges(), 2u);
  EXPECT_NEAR(read_counter(2), 4700 - 885 - 20 - 1193, 5);
}

TEST_F(PitTest, ShowsACountWhoseEdgeIsStillDueAsNotOver) {
  constexpr i64 kPeriod = 1000 * kSecond / Pit8254::kHertz + 1;
  unsigned edges = 1;
  i64 elapsed = kSecond;
  // At the same time, and first.
  Timer before(machine_.virtual_clock(), [&] {
    edges = irq_.edges();
    elapsed = pit_.registers().channels[0].elapsed;
  });
  before.arm_in(kPeriod);
  program(0, 0, 1000);
  irq_.forget();
  machine_.advance_time(kPeriod);
  ASSERT_EQ(edges, 0u);
  EXPECT_LT(elapsed, kPeriod - 1);
  EXPECT_GT(elapsed, kPeriod * 99 / 100);
  EXPECT_EQ(irq_.edges(), 1u);
  EXPECT_GE(pit_.registers().channels[0].elapsed, kPeriod) << "it is over now";
}

TEST_F(PitTest, ACountOfZeroIsTheLargest) {
  program(0, 0, 0);
  irq_.forget();
  machine_.advance_time(54 * kMillisecond);
  EXPECT_EQ(irq_.edges(), 0u);
  machine_.advance_time(2 * kMillisecond);
  EXPECT_EQ(irq_.edges(), 1u);
}

TEST_F(PitTest, TinyPeriodsAreServedAtABoundedRate) {
  for (const u16 count : {1, 2, 3}) {
    program(0, 2, count);
    irq_.forget();
    machine_.advance_time(10 * kMillisecond);
    EXPECT_GT(irq_.edges(), 100u);
    EXPECT_LE(irq_.edges(), 500u);
  }
}

TEST_F(PitTest, CountsDownFromWhatWasLoaded) {
  pit_.set_gate2(true);
  program(2, 0, 5000);
  ticks(1000);
  EXPECT_NEAR(read_counter(2), 4000, 2);
}

TEST_F(PitTest, ALatchedCountStaysUntilItIsRead) {
  pit_.set_gate2(true);
  program(2, 0, 5000);
  ticks(1000);
  pit_.write(3, 2 << 6);
  ticks(2000);
  const u8 low = pit_.read(2);
  EXPECT_NEAR(low | pit_.read(2) << 8, 4000, 2);
  EXPECT_NEAR(read_counter(2), 2000, 3);
}

TEST_F(PitTest, CountsInDecimalWhenAsked) {
  pit_.set_gate2(true);
  program(2, 0, 0x1000, true);
  ticks(1);
  EXPECT_EQ(read_counter(2), 0x0999);
}

TEST_F(PitTest, ReadBackGivesOutputModeAndWhetherACountWasLoaded) {
  pit_.write(3, 2 << 6 | 0x30);
  pit_.write(3, 0xc0 | 0x20 | 0x08);  // status of counter 2
  EXPECT_EQ(pit_.read(2), 0x40 | 0x30);
  pit_.set_gate2(true);
  program(2, 0, 10);
  ticks(20);
  pit_.write(3, 0xc0 | 0x20 | 0x08);
  EXPECT_EQ(pit_.read(2), 0x80 | 0x30);
}

TEST_F(PitTest, AClosedGatePausesTheCount) {
  pit_.set_gate2(true);
  program(2, 0, 5000);
  ticks(1000);
  pit_.set_gate2(false);
  ticks(1000);
  EXPECT_NEAR(read_counter(2), 4000, 2);
  pit_.set_gate2(true);
  ticks(1000);
  EXPECT_NEAR(read_counter(2), 3000, 3);
}

TEST_F(PitTest, AClosedGateStopsThePeriodicModesWithTheOutputHigh) {
  for (const unsigned mode : {2, 3}) {
    pit_.set_gate2(false);
    program(2, mode, 1000);
    ticks(5300);
    EXPECT_EQ(read_counter(2), 1000) << mode;
    pit_.set_gate2(true);
    ticks(100);
    const u16 counted = read_counter(2);
    EXPECT_NEAR(counted, mode == 2 ? 900 : 800, 2) << mode;
    ticks(600);  // in the low half of mode 3
    pit_.set_gate2(false);
    EXPECT_TRUE(pit_.output2()) << mode;
    const u16 stopped = read_counter(2);
    ticks(12'345);
    EXPECT_EQ(read_counter(2), stopped) << mode;
    pit_.set_gate2(true);  // begins anew
    EXPECT_EQ(read_counter(2), 1000) << mode;
  }
}

TEST_F(PitTest, AClosedGatePausesTheStrobe) {
  program(2, 4, 1000);
  ticks(5000);
  EXPECT_EQ(read_counter(2), 1000);
  EXPECT_TRUE(pit_.output2());
  pit_.set_gate2(true);
  ticks(400);
  pit_.set_gate2(false);
  ticks(5000);
  EXPECT_NEAR(read_counter(2), 600, 2);
}

TEST_F(PitTest, TheTriggeredModesRunOnWithoutTheirGate) {
  for (const unsigned mode : {1, 5}) {
    pit_.set_gate2(false);
    program(2, mode, 1000);
    pit_.set_gate2(true);
    ticks(100);
    pit_.set_gate2(false);
    ticks(100);
    EXPECT_NEAR(read_counter(2), 800, 2) << mode;
    pit_.set_gate2(true);  // triggers again
    ticks(100);
    EXPECT_NEAR(read_counter(2), 900, 2) << mode;
  }
}

TEST_F(PitTest, AGateThatRisesBeforeThereIsACountTriggersNothing) {
  pit_.write(3, 2 << 6 | 0x30 | 1 << 1);
  pit_.set_gate2(true);
  pit_.write(2, 100);
  pit_.write(2, 0);
  EXPECT_TRUE(pit_.output2());
  ticks(1000);
  EXPECT_TRUE(pit_.output2());
}

TEST_F(PitTest, ACountForATriggeredModeWaitsForTheNextTrigger) {
  program(2, 1, 1000);
  EXPECT_EQ(status(2) & 0x40, 0x40);  // not yet in the counter
  pit_.set_gate2(true);
  EXPECT_EQ(status(2) & 0x40, 0);
  ticks(100);
  pit_.write(2, 0x20);
  pit_.write(2, 0);
  EXPECT_EQ(status(2) & 0x40, 0x40);
  ticks(100);
  EXPECT_NEAR(read_counter(2), 800, 2);
  EXPECT_FALSE(pit_.output2());
  pit_.set_gate2(false);
  pit_.set_gate2(true);
  EXPECT_EQ(status(2) & 0x40, 0);
  EXPECT_EQ(read_counter(2), 0x20);
}

TEST_F(PitTest, ACountForAPeriodicModeWaitsForTheEndOfThePeriod) {
  pit_.set_gate2(true);
  program(2, 2, 1000);
  ticks(1100);
  pit_.write(2, 0x20);
  EXPECT_NEAR(read_counter(2), 900, 2);
  pit_.write(2, 0x4e);  // 20,000
  EXPECT_EQ(status(2) & 0x40, 0x40);
  ticks(400);
  EXPECT_NEAR(read_counter(2), 500, 3);
  ticks(600);
  EXPECT_EQ(status(2) & 0x40, 0);
  EXPECT_NEAR(read_counter(2), 19'900, 4);
}

TEST_F(PitTest, TheTicksChangeTheirPeriodWithTheNewCount) {
  program(0, 2, 11'932);  // 100 Hz
  irq_.forget();
  machine_.advance_time(105 * kMillisecond);
  EXPECT_EQ(irq_.edges(), 10u);
  pit_.write(0, 0xa9);
  pit_.write(0, 0x04);  // 1 kHz, from 110 ms on
  machine_.advance_time(4 * kMillisecond);
  EXPECT_EQ(irq_.edges(), 10u);
  machine_.advance_time(11 * kMillisecond);
  EXPECT_NEAR(irq_.edges(), 21, 1);
}

TEST_F(PitTest, TheFirstOfTwoBytesStopsACountDownToTheInterrupt) {
  program(0, 0, 1000);
  irq_.forget();
  ticks(400);
  pit_.write(0, 0xe8);
  ticks(5000);
  EXPECT_EQ(irq_.edges(), 0u);
  EXPECT_EQ(status(0) & 0x80, 0);
  pit_.write(0, 0x03);
  ticks(999);
  EXPECT_EQ(irq_.edges(), 0u);
  ticks(2);
  EXPECT_EQ(irq_.edges(), 1u);
}

TEST_F(PitTest, TheOneShotWaitsForItsGate) {
  program(2, 1, 100);
  ticks(1000);
  EXPECT_TRUE(pit_.output2());
  pit_.set_gate2(true);
  EXPECT_FALSE(pit_.output2());
  ticks(101);
  EXPECT_TRUE(pit_.output2());
}

TEST_F(PitTest, ByteAccessModesLoadHalfOfTheCount) {
  pit_.set_gate2(true);
  pit_.write(3, 2 << 6 | 1 << 4);  // low byte only
  pit_.write(2, 0x34);
  EXPECT_EQ(pit_.read(2), 0x34);
  pit_.write(3, 2 << 6 | 2 << 4);  // high byte only
  pit_.write(2, 0x12);
  EXPECT_EQ(pit_.read(2), 0x12);
}

TEST_F(PitTest, ANewControlWordStopsTheCounter) {
  program(0, 2, 1193);
  pit_.write(3, 0x34);
  irq_.forget();
  machine_.advance_time(kSecond);
  EXPECT_EQ(irq_.edges(), 0u);
}

}  // namespace
}  // namespace backplane::pc
