// SPDX-License-Identifier: MIT
#include "backplane/io_thread.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <stdexcept>
#include <thread>

#include "backplane/backend.h"
#include "backplane/error.h"
#include "backplane/testing/test_machine.h"

namespace backplane {
namespace {

constexpr Kind kObjectKind{
    .base = "backend", .prefix = "", .suffix = "", .noun = "backend", .option = "-object"};

class IoThreadTest : public ::testing::Test {
 protected:
  // Without the lock of the main loop, which this thread has all the time.
  static bool wait_for(const std::atomic<bool>& done) {
    for (int n = 0; n < 10'000 && !done; ++n)
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    return done;
  }
  // Until it has looked at all that was ready before: the second is posted in a later round.
  void let_it_look() {
    for (int round = 0; round < 2; ++round) {
      std::atomic<bool> done{false};
      thread.post([&] { done = true; });
      EXPECT_TRUE(wait_for(done));
    }
  }

  testing::TestMachine machine;
  Backends& backends = machine.add_child("backends", std::make_unique<Backends>(machine));
  IoThread& thread = dynamic_cast<IoThread&>(backends.add(kObjectKind, "iothread", "io0", {}));
};

TEST_F(IoThreadTest, RunsWhatIsPostedOnItsThreadWithItsLockAlone) {
  std::atomic<bool> done{false};
  thread.post([&] {
    EXPECT_TRUE(thread.held_by_me());
    EXPECT_FALSE(MachineLock::held_by_me());
    EXPECT_NE(thread.thread_id(), 0U);
    done = true;
  });
  EXPECT_TRUE(wait_for(done));
  EXPECT_FALSE(thread.held_by_me());
}

TEST_F(IoThreadTest, WhoHasItsLockKeepsItsCallbacksWaiting) {
  std::atomic<bool> done{false};
  {
    const IoContext::Guard lock(thread);
    const IoContext::Guard again(thread);
    thread.post([&] { done = true; });
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(done);
  }
  EXPECT_TRUE(wait_for(done));
}

TEST_F(IoThreadTest, WatchesUntilTheHandleIsGone) {
  const int event = eventfd(0, EFD_CLOEXEC);
  std::atomic<unsigned> calls{0};
  std::atomic<bool> called{false};
  auto watch = thread.watch(event, IoContext::kReadable, [&](unsigned conditions) {
    EXPECT_EQ(conditions, unsigned{IoContext::kReadable});
    u64 count;
    EXPECT_EQ(read(event, &count, sizeof count), 8);
    ++calls;
    called = true;
  });
  const u64 one = 1;
  ASSERT_EQ(write(event, &one, sizeof one), 8);
  EXPECT_TRUE(wait_for(called));
  {
    const IoContext::Guard lock(thread);
    watch.reset();
  }
  ASSERT_EQ(write(event, &one, sizeof one), 8);
  let_it_look();
  EXPECT_EQ(calls, 1U);
  close(event);
}

TEST_F(IoThreadTest, WhatNeedsTheMachineLockIsDoneWhenItsOwnIsGivenBack) {
  std::atomic<bool> posted{false}, done{false};
  thread.post([&] {
    thread.with_machine([&] {
      EXPECT_TRUE(MachineLock::held_by_me());
      EXPECT_FALSE(thread.held_by_me());
      done = true;
    });
    EXPECT_FALSE(done);
    posted = true;
  });
  EXPECT_TRUE(wait_for(posted));
  EXPECT_FALSE(done) << "this thread has the machine lock";
  EXPECT_TRUE(machine.run_main_loop_until([&] { return done.load(); }));
}

TEST_F(IoThreadTest, WhoHasTheMachineLockDoesItAtOnce) {
  bool done = false;
  const IoContext::Guard lock(thread);
  thread.with_machine([&] { done = true; });
  EXPECT_TRUE(done);
}

TEST_F(IoThreadTest, WhatWasKeptCanBeDoneByWhoIsAboutToDestroyWhatItRefersTo) {
  std::atomic<bool> posted{false}, done{false};
  thread.post([&] {
    thread.with_machine([&] { done = true; });
    posted = true;
  });
  EXPECT_TRUE(wait_for(posted));
  const IoContext::Guard lock(thread);
  thread.run_kept();
  EXPECT_TRUE(done);
}

TEST_F(IoThreadTest, AnExceptionGoesNoFurther) {
  std::atomic<bool> done{false};
  thread.post([] { throw std::runtime_error("thrown by the test"); });
  thread.post([&] { done = true; });
  EXPECT_TRUE(wait_for(done));
}

TEST_F(IoThreadTest, HasSeveralUsersAndStaysAsLongAsOneIsLeft) {
  EXPECT_EQ(&thread.claim(machine), &thread);
  EXPECT_EQ(&thread.claim(machine), &thread);
  thread.release();
  EXPECT_THROW(backends.remove("io0"), Error);
  thread.release();
  backends.remove("io0");
  EXPECT_EQ(machine.find("/backends/io0"), nullptr);
}

}  // namespace
}  // namespace backplane
