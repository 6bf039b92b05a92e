// SPDX-License-Identifier: MIT
#include "loop_timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <utility>

#include "backplane/error.h"

namespace backplane {

namespace {

constexpr i64 kSecond = 1'000'000'000;

// The clock that a timerfd of CLOCK_MONOTONIC goes by.
i64 monotonic_now() {
  const auto now = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(now).count();
}

}  // namespace

LoopTimer::LoopTimer(std::function<void()> fn)
    : fn_(std::move(fn)), fd_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
  if (fd_ < 0) throw Error::system("cannot make a timer", errno);
}

LoopTimer::~LoopTimer() {
  watch_.reset();
  close(fd_);
}

void LoopTimer::move_to(IoContext& loop) {
  watch_ = loop.watch(fd_, IoContext::kReadable, [this](unsigned) { fired(); });
}

void LoopTimer::arm_in(i64 nanoseconds) {
  const i64 deadline = monotonic_now() + nanoseconds;
  if (deadline_ >= 0 && deadline_ <= deadline) return;
  deadline_ = deadline;
  itimerspec at{};
  at.it_value.tv_sec = deadline / kSecond;
  at.it_value.tv_nsec = deadline % kSecond;
  timerfd_settime(fd_, TFD_TIMER_ABSTIME, &at, nullptr);
}

void LoopTimer::fired() {
  u64 times = 0;
  if (read(fd_, &times, sizeof times) < 0) return;
  deadline_ = -1;
  fn_();
}

}  // namespace backplane
