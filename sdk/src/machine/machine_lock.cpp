// SPDX-License-Identifier: MIT
#include "backplane/machine_lock.h"

#include <cassert>
#include <chrono>
#include <mutex>

namespace backplane {

namespace {

std::mutex machine_mutex;
thread_local bool held = false;

// What a condition variable unlocks and locks.
struct Lockable {
  static void lock() { MachineLock::acquire(); }
  static void unlock() { MachineLock::release(); }
};

}  // namespace

void MachineLock::acquire() {
  assert(!held);
  machine_mutex.lock();
  held = true;
}

void MachineLock::release() {
  assert(held);
  held = false;
  machine_mutex.unlock();
}

bool MachineLock::held_by_me() { return held; }

void MachineLock::wait(std::condition_variable_any& condition) {
  Lockable lock;
  condition.wait(lock);
}

bool MachineLock::wait_for(std::condition_variable_any& condition, long long nanoseconds) {
  Lockable lock;
  return condition.wait_for(lock, std::chrono::nanoseconds(nanoseconds)) ==
         std::cv_status::no_timeout;
}

}  // namespace backplane
