// SPDX-License-Identifier: MIT
#include "backplane/main_loop.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <stdexcept>
#include <thread>

#include "backplane/clock.h"

namespace backplane {
namespace {

class MainLoopTest : public ::testing::Test {
 protected:
  MainLoopTest() {
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) std::abort();
  }
  ~MainLoopTest() override {
    close(ends[0]);
    close(ends[1]);
  }
  void send_byte() const { ASSERT_EQ(write(ends[1], "x", 1), 1); }
  void receive_byte() const {
    char byte;
    ASSERT_EQ(read(ends[0], &byte, 1), 1);
  }

  MainLoop loop;
  int ends[2];
};

TEST_F(MainLoopTest, ReturnsTheStatusOfQuit) {
  loop.quit(7);
  EXPECT_EQ(loop.run(), 7);
}

TEST_F(MainLoopTest, FirstQuitCounts) {
  loop.quit(1);
  loop.quit(2);
  EXPECT_EQ(loop.run(), 1);
}

TEST_F(MainLoopTest, RunsPostedFunctionsInOrderWithTheLock) {
  std::string log;
  for (const char c : {'a', 'b', 'c'})
    loop.post([&log, c] {
      EXPECT_TRUE(MachineLock::held_by_me());
      log += c;
    });
  loop.quit(0);
  loop.run();
  EXPECT_EQ(log, "abc");
}

TEST_F(MainLoopTest, PostFromAnotherThreadWakesTheLoop) {
  std::thread other([&] { loop.post([&] { loop.quit(3); }); });
  EXPECT_EQ(loop.run(), 3);
  other.join();
}

TEST_F(MainLoopTest, FunctionThatPostsItselfDoesNotStarveOthers) {
  std::function<void()> again = [&] { loop.post(again); };
  loop.post(again);
  const auto watch = loop.watch(ends[0], MainLoop::kReadable, [&](unsigned) { loop.quit(0); });
  send_byte();
  loop.run();
}

TEST_F(MainLoopTest, ExceptionInACallbackGoesNoFurther) {
  loop.post([] { throw std::runtime_error("expected by the test"); });
  loop.quit(5);
  ::testing::internal::CaptureStderr();
  EXPECT_EQ(loop.run(), 5);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("expected by the test"),
            std::string::npos);
}

TEST_F(MainLoopTest, WatchIsCalledWhileItsConditionHolds) {
  unsigned calls = 0;
  const auto watch = loop.watch(ends[0], MainLoop::kReadable, [&](unsigned conditions) {
    EXPECT_TRUE(MachineLock::held_by_me());
    EXPECT_EQ(conditions & MainLoop::kReadable, unsigned{MainLoop::kReadable});
    if (++calls == 3) receive_byte();
  });
  send_byte();
  while (loop.iterate(false)) {
  }
  EXPECT_EQ(calls, 3U);
}

TEST_F(MainLoopTest, WatchIsNotCalledInsideItself) {
  unsigned depth = 0, calls = 0;
  const auto watch = loop.watch(ends[0], MainLoop::kReadable, [&](unsigned) {
    EXPECT_EQ(++depth, 1U);
    if (++calls == 1) loop.iterate(false);
    receive_byte();
    --depth;
  });
  send_byte();
  while (loop.iterate(false)) {
  }
  EXPECT_EQ(calls, 1U);
}

TEST_F(MainLoopTest, DestroyedWatchIsNotCalled) {
  auto watch = loop.watch(ends[0], MainLoop::kReadable, [](unsigned) { FAIL(); });
  send_byte();
  watch.reset();
  EXPECT_FALSE(loop.iterate(false));
}

TEST_F(MainLoopTest, WatchMayDestroyItself) {
  unsigned calls = 0;
  auto watch = loop.watch(ends[0], MainLoop::kReadable, [](unsigned) {});
  watch = loop.watch(ends[0], MainLoop::kReadable, [&](unsigned) {
    ++calls;
    watch.reset();
  });
  send_byte();
  while (loop.iterate(false)) {
  }
  EXPECT_EQ(calls, 1U);
}

TEST_F(MainLoopTest, IterateGivesTheMachineLockUpMeanwhile) {
  const MachineLock::Guard lock;
  std::thread other([&] {
    const MachineLock::Guard inner;
    loop.post([] {});
  });
  EXPECT_TRUE(loop.iterate(true));
  EXPECT_TRUE(MachineLock::held_by_me());
  const MachineLock::Release release;
  other.join();
}

TEST_F(MainLoopTest, FiresTimersOfAttachedClocks) {
  Clock clock(ClockType::Realtime);
  Timer timer(clock, [&] {
    EXPECT_TRUE(MachineLock::held_by_me());
    loop.quit(4);
  });
  loop.attach_clock(clock);
  timer.arm_in(1'000'000);
  EXPECT_EQ(loop.run(), 4);
  loop.detach_clock(clock);
}

TEST_F(MainLoopTest, TimerArmedBeforeItsClockIsAttachedFires) {
  Clock clock(ClockType::Host);
  Timer timer(clock, [&] { loop.quit(4); });
  timer.arm_at(0);
  loop.attach_clock(clock);
  EXPECT_EQ(loop.run(), 4);
  loop.detach_clock(clock);
}

TEST_F(MainLoopTest, TimerArmedByAnotherThreadFires) {
  Clock clock(ClockType::Realtime);
  Timer timer(clock, [&] { loop.quit(4); });
  loop.attach_clock(clock);
  std::thread other([&] {
    const MachineLock::Guard lock;
    timer.arm_in(1'000'000);
  });
  EXPECT_EQ(loop.run(), 4);
  other.join();
  loop.detach_clock(clock);
}

TEST_F(MainLoopTest, StoppedClockFiresWhenItStarts) {
  Clock clock(ClockType::Virtual);
  Timer timer(clock, [&] { loop.quit(4); });
  loop.attach_clock(clock);
  timer.arm_at(0);
  EXPECT_FALSE(loop.iterate(false));
  EXPECT_TRUE(timer.armed());
  clock.start();
  EXPECT_EQ(loop.run(), 4);
  loop.detach_clock(clock);
}

TEST_F(MainLoopTest, ClockMayBeAttachedAgain) {
  Clock clock(ClockType::Realtime);
  loop.attach_clock(clock);
  loop.attach_clock(clock);
  loop.detach_clock(clock);
  Timer timer(clock, [] { FAIL(); });
  timer.arm_at(0);
  EXPECT_FALSE(loop.iterate(false));
}

TEST_F(MainLoopTest, DetachingAClockLeavesTheHookOfWhoeverTookItOver) {
  Clock clock(ClockType::Realtime);
  loop.attach_clock(clock);
  unsigned calls = 0;
  clock.set_rearmed_hook([&] { ++calls; });
  loop.detach_clock(clock);
  Timer timer(clock, [] {});
  timer.arm_at(0);
  EXPECT_EQ(calls, 1U);
}

TEST_F(MainLoopTest, TerminationSignalReachesItsFunction) {
  loop.on_termination([&](int signal) { loop.quit(signal); });
  loop.post([] { raise(SIGTERM); });
  EXPECT_EQ(loop.run(), SIGTERM);
}

TEST_F(MainLoopTest, ASignalEndsTheProgramWhileTheLoopDoesNotRun) {
  EXPECT_EXIT(
      {
        loop.on_termination([](int) {});
        raise(SIGTERM);
      },
      ::testing::KilledBySignal(SIGTERM), "");
  EXPECT_EXIT(
      {
        loop.on_termination([](int) {});
        loop.quit(0);
        loop.run();
        raise(SIGTERM);
      },
      ::testing::KilledBySignal(SIGTERM), "");
}

TEST_F(MainLoopTest, RunGivesASignalBackToWhoHandledItBefore) {
  static volatile std::sig_atomic_t seen;
  seen = 0;
  std::signal(SIGTERM, [](int) { seen = 1; });
  loop.on_termination([&](int signal) { loop.quit(signal); });
  loop.post([] { raise(SIGTERM); });
  EXPECT_EQ(loop.run(), SIGTERM);
  EXPECT_EQ(seen, 0);
  raise(SIGTERM);
  EXPECT_EQ(seen, 1);
  std::signal(SIGTERM, SIG_DFL);
}

TEST_F(MainLoopTest, ASecondSignalEndsAProgramWhoseLoopIsStuck) {
  EXPECT_EXIT(
      {
        loop.on_termination([](int) {});
        loop.post([] {
          raise(SIGTERM);
          raise(SIGINT);
        });
        loop.run();
      },
      ::testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace backplane
