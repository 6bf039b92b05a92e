// SPDX-License-Identifier: MIT
#include "backplane/machine_lock.h"

#include <gtest/gtest.h>

#include <thread>

namespace backplane {
namespace {

TEST(MachineLock, IsKnownToItsHolderOnly) {
  const MachineLock::Guard lock;
  EXPECT_TRUE(MachineLock::held_by_me());
  bool held = true;
  std::thread([&] { held = MachineLock::held_by_me(); }).join();
  EXPECT_FALSE(held);
}

TEST(MachineLock, GuardInsideAGuardChangesNothing) {
  const MachineLock::Guard outer;
  { const MachineLock::Guard inner; }
  EXPECT_TRUE(MachineLock::held_by_me());
}

TEST(MachineLock, ReleaseGivesItUpForAScope) {
  const MachineLock::Guard lock;
  {
    const MachineLock::Release release;
    EXPECT_FALSE(MachineLock::held_by_me());
    const MachineLock::Release nothing_to_give;
  }
  EXPECT_TRUE(MachineLock::held_by_me());
}

TEST(MachineLock, WaitLetsOthersHaveIt) {
  std::condition_variable_any condition;
  bool ready = false;
  const MachineLock::Guard lock;
  std::thread other([&] {
    const MachineLock::Guard inner;
    ready = true;
    condition.notify_all();
  });
  while (!ready) MachineLock::wait(condition);
  EXPECT_TRUE(MachineLock::held_by_me());
  const MachineLock::Release release;
  other.join();
}

TEST(MachineLock, WaitEndsAtItsLimit) {
  std::condition_variable_any condition;
  const MachineLock::Guard lock;
  EXPECT_FALSE(MachineLock::wait_for(condition, 1000));
  EXPECT_TRUE(MachineLock::held_by_me());
}

}  // namespace
}  // namespace backplane
