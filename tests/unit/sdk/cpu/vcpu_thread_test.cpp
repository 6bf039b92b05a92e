// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "backplane/testing/test_machine.h"

namespace backplane {
namespace {

using testing::TestMachine;

// A guest CPU that spins, halts, or does what the test says at each run().
class FakeCpu final : public Cpu {
 public:
  bool has_work() const override { return interrupt_request() != 0; }
};
BACKPLANE_TYPE(FakeCpu, "fake-cpu")

class FakeVcpu final : public Vcpu {
 public:
  explicit FakeVcpu(std::function<Exit()> step) : step_(std::move(step)) {}

  Exit run() override {
    ++runs;
    in_guest = true;
    // Guest code: until kicked, unless the step ends the run itself.
    Exit exit = Exit::Kicked;
    while (!kicked.exchange(false)) {
      if (step_) {
        exit = step_();
        if (exit != Exit::Kicked) break;
      }
      std::this_thread::yield();
    }
    in_guest = false;
    return exit;
  }
  void kick() override { kicked = true; }
  void thread_started() override { ++started; }
  void put_state() override { ++puts; }

  std::atomic<unsigned> runs{0};
  std::atomic<unsigned> started{0};
  std::atomic<unsigned> puts{0};
  std::atomic<bool> in_guest{false};
  std::atomic<bool> kicked{false};

 private:
  std::function<Exit()> step_;
};

template <class Predicate>
void wait_until(Predicate done) {
  while (!done()) std::this_thread::yield();
}

class VcpuThreadTest : public ::testing::Test {
 protected:
  ~VcpuThreadTest() override {
    for (const auto& thread : threads) thread->stop();
  }

  // A CPU on a thread of its own, or on that of another.
  FakeCpu& add(std::function<Vcpu::Exit()> step = {}, VcpuThread* on = nullptr) {
    auto owned = std::make_unique<FakeCpu>();
    FakeCpu& cpu = *owned;
    machine.add_cpu(std::move(owned));
    cpu.set_vcpu(std::make_unique<FakeVcpu>(std::move(step)));
    if (on == nullptr)
      on = threads.emplace_back(std::make_unique<VcpuThread>(machine, "vcpu")).get();
    on->add(cpu);
    return cpu;
  }
  void start_threads() {
    for (const auto& thread : threads) thread->start();
  }
  static FakeVcpu& vcpu(const Cpu& cpu) { return static_cast<FakeVcpu&>(*cpu.vcpu()); }

  TestMachine machine;
  std::vector<std::unique_ptr<VcpuThread>> threads;
};

TEST_F(VcpuThreadTest, WaitsWhileTheMachineIsStopped) {
  FakeCpu& cpu = add();
  start_threads();
  cpu.run_on_thread([] {});
  EXPECT_EQ(vcpu(cpu).started, 1U);
  EXPECT_EQ(vcpu(cpu).runs, 0U);
}

TEST_F(VcpuThreadTest, RunsWhileTheMachineRuns) {
  FakeCpu& cpu = add();
  start_threads();
  machine.run_control().start();
  wait_until([&] { return vcpu(cpu).in_guest.load(); });
  machine.run_control().stop();
  EXPECT_FALSE(vcpu(cpu).in_guest);
  EXPECT_EQ(machine.run_control().state(), RunState::Stopped);
}

TEST_F(VcpuThreadTest, StopsAndStartsAgainAndAgain) {
  FakeCpu& a = add();
  FakeCpu& b = add();
  start_threads();
  for (unsigned i = 0; i < 200; ++i) {
    machine.run_control().start();
    if (i % 3 == 0) wait_until([&] { return vcpu(a).in_guest && vcpu(b).in_guest; });
    machine.run_control().stop();
    ASSERT_FALSE(vcpu(a).in_guest);
    ASSERT_FALSE(vcpu(b).in_guest);
  }
}

TEST_F(VcpuThreadTest, CurrentIsTheCpuThatRuns) {
  std::atomic<Cpu*> seen{nullptr};
  FakeCpu& cpu = add([&] {
    seen = Cpu::current();
    return Vcpu::Exit::Kicked;
  });
  start_threads();
  machine.run_control().start();
  wait_until([&] { return seen.load() != nullptr; });
  machine.run_control().stop();
  EXPECT_EQ(seen, &cpu);
  EXPECT_EQ(Cpu::current(), nullptr);
}

TEST_F(VcpuThreadTest, HaltedCpuSleepsUntilARaise) {
  std::atomic<unsigned> woken{0};
  FakeCpu* cpu = nullptr;
  cpu = &add([&] {
    if (cpu->has_work()) {
      cpu->clear(~0U);
      ++woken;
    }
    cpu->set_halted(true);
    return Vcpu::Exit::Halted;
  });
  start_threads();
  machine.run_control().start();
  // No raise may be lost, wherever on its way to sleep it meets the thread.
  for (unsigned i = 1; i <= 2000; ++i) {
    cpu->raise(1);
    wait_until([&] { return woken == i; });
  }
  machine.run_control().stop();
  EXPECT_EQ(woken, 2000U);
}

TEST_F(VcpuThreadTest, WorkRunsOnTheThreadWithTheLock) {
  FakeCpu& cpu = add();
  start_threads();
  machine.run_control().start();
  std::thread::id id;
  bool locked = false;
  Cpu* current = nullptr;
  cpu.run_on_thread([&] {
    id = std::this_thread::get_id();
    locked = MachineLock::held_by_me();
    current = Cpu::current();
  });
  machine.run_control().stop();
  EXPECT_NE(id, std::this_thread::get_id());
  EXPECT_TRUE(locked);
  EXPECT_EQ(current, &cpu);
}

TEST_F(VcpuThreadTest, WorkForAnotherCpuOfTheSameThreadRunsAsThatCpu) {
  FakeCpu& one = add();
  FakeCpu& other = add({}, threads.front().get());
  start_threads();
  Cpu* inside = nullptr;
  Cpu* after = nullptr;
  one.run_on_thread([&] {
    other.run_on_thread([&] { inside = Cpu::current(); });
    after = Cpu::current();
  });
  EXPECT_EQ(inside, &other);
  EXPECT_EQ(after, &one);
}

TEST_F(VcpuThreadTest, WorkRunsWhileStopped) {
  FakeCpu& cpu = add();
  start_threads();
  unsigned done = 0;
  for (unsigned i = 0; i < 100; ++i) cpu.run_on_thread([&] { ++done; });
  EXPECT_EQ(done, 100U);
}

TEST_F(VcpuThreadTest, WorkThatIsNotWaitedForRuns) {
  FakeCpu& cpu = add();
  start_threads();
  std::atomic<bool> done{false};
  cpu.run_on_thread_later([&] { done = true; });
  cpu.run_on_thread([] {});
  EXPECT_TRUE(done);
}

TEST_F(VcpuThreadTest, WorkThrowsToWhoeverWaits) {
  FakeCpu& cpu = add();
  start_threads();
  EXPECT_THROW(cpu.run_on_thread([] { throw Error("expected"); }), Error);
}

TEST_F(VcpuThreadTest, WorkWithoutAThreadRunsAtOnce) {
  auto owned = std::make_unique<FakeCpu>();
  FakeCpu& cpu = *owned;
  machine.add_cpu(std::move(owned));
  bool done = false;
  cpu.run_on_thread([&] { done = true; });
  EXPECT_TRUE(done);
  cpu.run_on_thread_later([&] { done = false; });
  EXPECT_FALSE(done);
}

TEST_F(VcpuThreadTest, CpusThatWaitForEachOtherBothGoOn) {
  FakeCpu* a = nullptr;
  FakeCpu* b = nullptr;
  std::atomic<unsigned> done{0};
  const auto ask = [&done](FakeCpu*& other) {
    return [&done, &other] {
      if (other == nullptr) return Vcpu::Exit::Kicked;
      const MachineLock::Guard lock;
      other->run_on_thread([&] { ++done; });
      return Vcpu::Exit::Slice;
    };
  };
  FakeCpu& first = add(ask(b));
  FakeCpu& second = add(ask(a));
  a = &first;
  b = &second;
  start_threads();
  machine.run_control().start();
  {
    const MachineLock::Release release;
    wait_until([&] { return done > 1000; });
  }
  machine.run_control().stop();
}

TEST_F(VcpuThreadTest, RoundRobinGivesEachCpuItsTurn) {
  std::string order;
  std::atomic<unsigned> turns{0};
  const auto step = [&](char name) {
    return [&order, &turns, name] {
      if (turns < 6) order += name;
      ++turns;
      return Vcpu::Exit::Slice;
    };
  };
  FakeCpu& first = add(step('a'));
  VcpuThread& thread = *threads.front();
  add(step('b'), &thread);
  add(step('c'), &thread);
  start_threads();
  machine.run_control().start();
  wait_until([&] { return turns >= 6; });
  machine.run_control().stop();
  EXPECT_EQ(order.substr(0, 6), "abcabc");
  EXPECT_EQ(vcpu(first).started, 1U);
}

TEST_F(VcpuThreadTest, RoundRobinSkipsHaltedCpus) {
  FakeCpu& idle = add([] { return Vcpu::Exit::Slice; });
  FakeCpu& busy = add([] { return Vcpu::Exit::Slice; }, threads.front().get());
  idle.set_halted(true);
  start_threads();
  machine.run_control().start();
  wait_until([&] { return vcpu(busy).runs > 10; });
  machine.run_control().stop();
  EXPECT_EQ(vcpu(idle).runs, 0U);
}

TEST_F(VcpuThreadTest, KickOfAWaitingCpuEndsTheTurnOfTheOneThatRuns) {
  FakeCpu& spinning = add();
  FakeCpu& waiting = add({}, threads.front().get());
  waiting.set_halted(true);
  start_threads();
  machine.run_control().start();
  wait_until([&] { return vcpu(spinning).in_guest.load(); });
  waiting.raise(1);
  wait_until([&] { return vcpu(waiting).runs != 0; });
  machine.run_control().stop();
}

TEST_F(VcpuThreadTest, IdleHookIsAskedWhenAllCpusAreHalted) {
  FakeCpu* cpu = nullptr;
  std::atomic<unsigned> asked{0};
  cpu = &add([&] {
    cpu->clear(~0U);
    return Vcpu::Exit::Halted;
  });
  cpu->set_halted(true);
  // Time passes for an idle guest: the third look finds work.
  threads.front()->set_idle_hook([&]() -> i64 {
    EXPECT_TRUE(MachineLock::held_by_me());
    if (++asked == 3) cpu->raise(1);
    return asked < 3 ? 1000 : (asked == 3 ? 0 : -1);
  });
  start_threads();
  machine.run_control().start();
  {
    const MachineLock::Release release;
    wait_until([&] { return vcpu(*cpu).runs != 0; });
  }
  machine.run_control().stop();
  EXPECT_GE(asked, 3U);
}

TEST_F(VcpuThreadTest, RoundHookIsCalledBeforeEachRound) {
  std::atomic<unsigned> rounds{0};
  FakeCpu& cpu = add([] { return Vcpu::Exit::Slice; });
  threads.front()->set_round_hook([&] {
    EXPECT_FALSE(MachineLock::held_by_me());
    ++rounds;
  });
  start_threads();
  machine.run_control().start();
  wait_until([&] { return vcpu(cpu).runs > 3; });
  machine.run_control().stop();
  EXPECT_GE(rounds, vcpu(cpu).runs);
}

TEST_F(VcpuThreadTest, SignalsOfOthersAreBlockedFaultsAreNot) {
  FakeCpu& cpu = add();
  start_threads();
  sigset_t set;
  cpu.run_on_thread([&] { pthread_sigmask(SIG_SETMASK, nullptr, &set); });
  EXPECT_EQ(sigismember(&set, SIGINT), 1);
  EXPECT_EQ(sigismember(&set, SIGTERM), 1);
  EXPECT_EQ(sigismember(&set, SIGSEGV), 0);
  EXPECT_EQ(sigismember(&set, SIGFPE), 0);
}

TEST_F(VcpuThreadTest, StopOfTheThreadEndsGuestCode) {
  FakeCpu& cpu = add();
  start_threads();
  machine.run_control().start();
  wait_until([&] { return vcpu(cpu).in_guest.load(); });
  threads.front()->stop();
  EXPECT_FALSE(vcpu(cpu).in_guest);
  EXPECT_TRUE(MachineLock::held_by_me());
  // And the machine no longer waits for it.
  machine.run_control().stop();
}

TEST_F(VcpuThreadTest, PassesOverACpuThatIsHeld) {
  FakeCpu& first = add([] { return Vcpu::Exit::Slice; });
  FakeCpu& second = add([] { return Vcpu::Exit::Slice; }, threads[0].get());
  FakeCpu& alone = add();
  first.set_held(true);
  alone.set_held(true);
  start_threads();
  machine.run_control().start();
  wait_until([&] { return vcpu(second).runs > 3; });
  // One that waits is no work for it, and what others ask of it is done.
  first.raise(1);
  alone.raise(1);
  alone.run_on_thread([] {});
  machine.run_control().stop();
  EXPECT_EQ(vcpu(first).runs, 0U);
  EXPECT_EQ(vcpu(alone).runs, 0U);
  first.set_held(false);
  machine.run_control().start();
  wait_until([&] { return vcpu(first).runs > 3; });
  machine.run_control().stop();
}

TEST_F(VcpuThreadTest, StopsTheMachineForADebuggerAndTellsWhoseCpuItWas) {
  add();
  FakeCpu& cpu = add([] { return Vcpu::Exit::Debug; });
  Cpu* seen = nullptr;
  DebugStop::Reason reason = DebugStop::Reason::Code;
  const Subscription told =
      machine.run_control().on_debug_stop([&](Cpu& who, const DebugStop& stop) {
        EXPECT_EQ(Cpu::current(), &who);
        seen = &who;
        reason = stop.reason;
      });
  start_threads();
  machine.run_control().start();
  EXPECT_TRUE(machine.run_main_loop_until(
      [&] { return machine.run_control().state() == RunState::Stopped; }));
  EXPECT_EQ(machine.run_control().stop_cause(), StopCause::Debug);
  EXPECT_EQ(seen, &cpu);
  EXPECT_EQ(reason, DebugStop::Reason::Step);
  EXPECT_EQ(vcpu(cpu).runs, 1U);
}

TEST_F(VcpuThreadTest, UnrecoverableStateStopsTheMachine) {
  FakeCpu& cpu = add([] { return Vcpu::Exit::Stopped; });
  start_threads();
  machine.run_control().start();
  EXPECT_TRUE(machine.run_main_loop_until(
      [&] { return machine.run_control().state() == RunState::Stopped; }));
  EXPECT_EQ(vcpu(cpu).runs, 1U);
}

TEST_F(VcpuThreadTest, UnrecoverableStateThatAskedForAResetDoesNotStopTheMachine) {
  std::atomic<unsigned> runs{0};
  add([&] {
    if (runs++ != 0) return Vcpu::Exit::Kicked;
    const MachineLock::Guard lock;
    machine.run_control().request_reset(ShutdownCause::Guest);
    return Vcpu::Exit::Stopped;
  });
  start_threads();
  bool reset = false;
  const Subscription done = machine.reset_sequence().on_done([&] { reset = true; });
  machine.run_control().start();
  EXPECT_TRUE(machine.run_main_loop_until([&] { return reset && runs > 1; }));
  EXPECT_EQ(machine.run_control().state(), RunState::Running);
  machine.run_control().stop();
}

TEST_F(VcpuThreadTest, ErrorInTheAcceleratorEndsTheProgram) {
  add([]() -> Vcpu::Exit { throw Error("expected by the test"); });
  start_threads();
  ::testing::internal::CaptureStderr();
  machine.run_control().start();
  const MachineLock::Release release;
  EXPECT_EQ(machine.main_loop().run(), 1);
  EXPECT_NE(::testing::internal::GetCapturedStderr().find("expected by the test"),
            std::string::npos);
}

TEST_F(VcpuThreadTest, ResetFromTheGuestStopsItAtOnce) {
  FakeCpu* cpu = nullptr;
  std::atomic<unsigned> steps{0};
  std::atomic<bool> asked{false};
  cpu = &add([&] {
    if (!asked.exchange(true)) {
      const MachineLock::Guard lock;
      machine.run_control().request_reset();
      return Vcpu::Exit::Kicked;
    }
    ++steps;
    return Vcpu::Exit::Kicked;
  });
  start_threads();
  unsigned steps_at_reset = 99;
  const Subscription done = machine.reset_sequence().on_done([&] { steps_at_reset = steps; });
  machine.run_control().start();
  EXPECT_TRUE(machine.run_main_loop_until([&] { return steps_at_reset != 99; }));
  EXPECT_EQ(steps_at_reset, 0U);
  EXPECT_EQ(vcpu(*cpu).puts, 1U);
  EXPECT_EQ(machine.run_control().state(), RunState::Running);
  wait_until([&] { return steps != 0; });
  machine.run_control().stop();
}

TEST_F(VcpuThreadTest, ShutdownFromTheGuestEndsTheLoopWithItsStatus) {
  add([&] {
    const MachineLock::Guard lock;
    machine.run_control().request_shutdown(ShutdownCause::Debug, 33);
    return Vcpu::Exit::Kicked;
  });
  start_threads();
  machine.run_control().start();
  const MachineLock::Release release;
  EXPECT_EQ(machine.main_loop().run(), 33);
  EXPECT_EQ(machine.run_control().shutdown_cause(), ShutdownCause::Debug);
  EXPECT_EQ(machine.run_control().state(), RunState::Stopped);
}

}  // namespace
}  // namespace backplane
