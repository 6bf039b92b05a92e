// SPDX-License-Identifier: MIT
// Periodic interrupts on a host that serves timers late.
#include <gtest/gtest.h>

#include "backplane/testing/irq_recorder.h"
#include "hpet/hpet.h"
#include "i8254/i8254.h"
#include "mc146818/mc146818.h"
#include "time/late_clock.h"

namespace backplane::pc {
namespace {

constexpr i64 kMillisecond = 1'000'000, kSecond = 1'000'000'000;

// A guest that takes interrupts only while its CPU runs.
class SlowGuest final : public IrqSink {
 public:
  void set_irq(unsigned, bool level) override {
    if (!level) return;
    ++edges;
    pending = !running;
  }
  void run(bool on) {
    running = on;
    if (on) pending = false;
  }
  // Runs in slices of a tenth of the time.
  void run_in_slices(testing::LateClock& late, i64 nanoseconds) {
    for (i64 done = 0; done < nanoseconds; done += 20 * kMillisecond) {
      run(false);
      late.serve(18 * kMillisecond);
      run(true);
      late.serve(2 * kMillisecond);
    }
  }

  bool running = false;
  bool pending = false;
  unsigned edges = 0;
};

TEST(LateTimers, ThePitDeliversTheTicksThatWereMissed) {
  testing::LateClock late;
  backplane::testing::IrqRecorder irq;
  Pit8254 pit(late.clock(), irq.line());
  pit.write(3, 0x34);
  pit.write(0, 0xa9);  // 1 kHz
  pit.write(0, 0x04);
  irq.forget();
  late.miss(50 * kMillisecond);
  late.serve(20 * kMillisecond);
  EXPECT_NEAR(irq.edges(), 70, 1);
  late.miss(10 * kSecond);  // too late for all of them
  late.serve(100 * kMillisecond);
  EXPECT_LT(irq.edges(), 1000u);
}

TEST(LateTimers, ThePitDropsTheTicksThatWereMissedIfToldTo) {
  testing::LateClock late;
  SlowGuest guest;
  Pit8254 pit(
      late.clock(), IrqLine(guest, 0), [&] { return guest.pending; }, LostTickPolicy::Discard);
  pit.write(3, 0x34);
  pit.write(0, 0xa9);  // 1 kHz
  pit.write(0, 0x04);
  guest.run(true);
  guest.edges = 0;
  late.miss(50 * kMillisecond);
  late.serve(20 * kMillisecond);
  EXPECT_NEAR(guest.edges, 21, 1);
  // What is not taken does not hold up the next ones.
  guest.run(false);
  guest.edges = 0;
  late.serve(20 * kMillisecond);
  EXPECT_NEAR(guest.edges, 20, 1);
}

TEST(LateTimers, TheHpetDeliversTheTicksThatWereMissed) {
  testing::LateClock late;
  backplane::testing::IrqRecorder irqs;
  Hpet hpet(late.clock(), irqs);
  hpet.write(0x100, 20 << 9 | 0x4c, 8);
  hpet.write(0x108, 100'000, 8);
  hpet.write(0x108, 100'000, 8);  // 1 kHz
  hpet.write(0x10, 1, 8);
  late.miss(50 * kMillisecond);
  late.serve(20 * kMillisecond);
  EXPECT_NEAR(irqs.edges(20), 70, 1);
  late.miss(10 * kSecond);
  late.serve(100 * kMillisecond);
  EXPECT_LT(irqs.edges(20), 1000u);
  EXPECT_EQ(hpet.read(0x108, 8) % 100'000, 0u);
}

TEST(LateTimers, TheRtcDeliversTheTicksThatWereMissed) {
  testing::LateClock late;
  backplane::testing::IrqRecorder irq;
  Rtc rtc(late.clock(), 0, late.clock(), irq.line());
  rtc.write(0, 0x0b);
  rtc.write(1, 0x42);  // periodic, 1024 Hz
  rtc.write(0, 0x0c);
  late.miss(50 * kMillisecond);
  for (unsigned step = 0; step < 2000; ++step) {
    late.serve(kMillisecond / 100);
    rtc.read(1);
  }
  EXPECT_NEAR(irq.edges(), 71, 2);
}

TEST(LateTimers, ThePitWaitsUntilATickIsTaken) {
  testing::LateClock late;
  SlowGuest guest;
  Pit8254 pit(late.clock(), IrqLine(guest, 0), [&] { return guest.pending; });
  pit.write(3, 0x34);
  pit.write(0, 0xa4);  // 250 Hz
  pit.write(0, 0x12);
  guest.edges = 0;
  guest.pending = false;
  guest.run_in_slices(late, 2 * kSecond);
  EXPECT_NEAR(guest.edges, 500, 15);
  guest.run(false);
  guest.edges = 0;
  late.serve(100 * kSecond);
  EXPECT_LE(guest.edges, 1u);
  guest.run(true);
  late.serve(kSecond);
  EXPECT_NEAR(guest.edges, 250, 70);
}

TEST(LateTimers, TheHpetWaitsUntilATickIsTaken) {
  testing::LateClock late;
  SlowGuest guest;
  Hpet hpet(late.clock(), guest, [&](unsigned) { return guest.pending; });
  hpet.write(0x100, 20 << 9 | 0x4c, 8);
  hpet.write(0x108, 400'000, 8);
  hpet.write(0x108, 400'000, 8);  // 250 Hz
  hpet.write(0x10, 1, 8);
  guest.run_in_slices(late, 2 * kSecond);
  EXPECT_NEAR(guest.edges, 500, 15);
  guest.run(false);
  guest.edges = 0;
  late.serve(100 * kSecond);
  EXPECT_LE(guest.edges, 1u);
  guest.run(true);
  late.serve(kSecond);
  EXPECT_NEAR(guest.edges, 250, 70);
  EXPECT_EQ(hpet.read(0x108, 8) % 400'000, 0u);
}

TEST(LateTimers, TheRtcWaitsUntilATickIsTaken) {
  testing::LateClock late;
  backplane::testing::IrqRecorder irq;
  Rtc rtc(late.clock(), 0, late.clock(), irq.line());
  rtc.write(0, 0x0a);
  rtc.write(1, 0x28);  // 256 Hz
  rtc.write(0, 0x0b);
  rtc.write(1, 0x42);
  rtc.write(0, 0x0c);
  // Reads the flags in slices of a fifth of the time.
  for (i64 done = 0; done < 2 * kSecond; done += 20 * kMillisecond) {
    late.serve(16 * kMillisecond);
    for (unsigned n = 0; n < 40; ++n) {
      rtc.read(1);
      late.serve(kMillisecond / 10);
    }
  }
  EXPECT_NEAR(irq.edges(), 512, 15);
  irq.forget();
  late.serve(100 * kSecond);
  EXPECT_LE(irq.edges(), 1u);
  irq.forget();
  for (unsigned n = 0; n < 1000; ++n) {
    rtc.read(1);
    late.serve(kMillisecond);
  }
  EXPECT_NEAR(irq.edges(), 256, 70);
}

TEST(LateTimers, AReprogrammedHpetTimerForgetsWhatIsOverdue) {
  testing::LateClock late;
  SlowGuest guest;
  Hpet hpet(late.clock(), guest, [&](unsigned) { return guest.pending; });
  hpet.write(0x100, 20 << 9 | 0x4c, 8);
  hpet.write(0x108, 400'000, 8);
  hpet.write(0x108, 400'000, 8);
  hpet.write(0x10, 1, 8);
  late.serve(50 * kMillisecond);
  hpet.write(0x100, 21 << 9 | 0x0c, 8);  // another input
  EXPECT_GT(hpet.read(0x108, 8), hpet.read(0xf0, 8));
  EXPECT_LE(hpet.read(0x108, 8), hpet.read(0xf0, 8) + 400'000);
}

}  // namespace
}  // namespace backplane::pc
