// SPDX-License-Identifier: MIT
#include "backplane/clock.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <vector>

namespace backplane {

namespace {

i64 host_monotonic() {
  return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}

i64 host_wall_clock() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

struct Clock::Impl {
  struct Entry {
    i64 deadline;
    u64 order;  // counts up at each arming: equal deadlines fire in that order
    Timer* timer;
    // Sorted so that the next to fire is at the back, where taking it out is cheap.
    bool operator<(const Entry& other) const {
      return deadline != other.deadline ? deadline > other.deadline : order > other.order;
    }
  };

  // The virtual clock in one word, so that any thread reads it whole: while running, twice its
  // distance from the host's monotonic clock, plus one; while stopped, twice its time.
  std::atomic<i64> state{0};
  Source source;
  std::vector<Entry> armed;
  std::atomic<i64> earliest{-1};
  u64 armings = 0;
  std::function<void()> rearmed;

  void insert(i64 deadline, Timer* timer) {
    const Entry entry{deadline, ++armings, timer};
    armed.insert(std::lower_bound(armed.begin(), armed.end(), entry), entry);
    update();
  }
  void remove(const Timer* timer) {
    const auto at = std::find_if(armed.begin(), armed.end(),
                                 [timer](const Entry& entry) { return entry.timer == timer; });
    if (at != armed.end()) armed.erase(at);
    update();
  }
  void update() {
    earliest.store(armed.empty() ? -1 : armed.back().deadline, std::memory_order_release);
  }
  void notify() const {
    if (rearmed) rearmed();
  }
};

Clock::Clock(ClockType type) : type_(type), impl_(std::make_unique<Impl>()) {}
Clock::~Clock() = default;

i64 Clock::now() const {
  switch (type_) {
    case ClockType::Virtual:
      break;
    case ClockType::Realtime:
      return host_monotonic();
    case ClockType::Host:
      return host_wall_clock();
  }
  if (impl_->source) return impl_->source();
  const i64 state = impl_->state.load(std::memory_order_acquire);
  return (state >> 1) + ((state & 1) != 0 ? host_monotonic() : 0);
}

bool Clock::running() const {
  return type_ != ClockType::Virtual || (impl_->state.load(std::memory_order_acquire) & 1) != 0;
}

void Clock::start() {
  if (running()) return;
  const i64 time = impl_->state.load(std::memory_order_relaxed) >> 1;
  impl_->state.store(((time - host_monotonic()) * 2) | 1, std::memory_order_release);
  impl_->notify();
}

void Clock::stop() {
  if (type_ != ClockType::Virtual || !running()) return;
  const i64 distance = impl_->state.load(std::memory_order_relaxed) >> 1;
  impl_->state.store((distance + host_monotonic()) * 2, std::memory_order_release);
  impl_->notify();
}

void Clock::set_source(Source source) { impl_->source = std::move(source); }

i64 Clock::next_deadline() const { return impl_->earliest.load(std::memory_order_acquire); }

unsigned Clock::run_timers() {
  const i64 time = now();
  const u64 last_arming = impl_->armings;
  unsigned fired = 0;
  std::vector<Impl::Entry>& armed = impl_->armed;
  for (;;) {
    // Those armed by callbacks of this round may stand in front of older ones that are due.
    const auto due = std::find_if(armed.rbegin(), armed.rend(), [&](const Impl::Entry& entry) {
      return entry.deadline > time || entry.order <= last_arming;
    });
    if (due == armed.rend() || due->deadline > time) return fired;
    Timer& timer = *due->timer;
    armed.erase(std::next(due).base());
    impl_->update();
    timer.deadline_ = -1;
    ++fired;
    timer.callback_();
  }
}

void Clock::set_rearmed_hook(std::function<void()> hook) { impl_->rearmed = std::move(hook); }

Timer::Timer(Clock& clock, std::function<void()> callback)
    : clock_(clock), callback_(std::move(callback)) {}

Timer::~Timer() { cancel(); }

void Timer::arm_at(i64 deadline) {
  const i64 before = clock_.next_deadline();
  if (armed()) clock_.impl_->remove(this);
  deadline_ = std::max<i64>(deadline, 0);
  clock_.impl_->insert(deadline_, this);
  if (before < 0 || deadline_ < before) clock_.impl_->notify();
}

void Timer::arm_in(i64 nanoseconds) {
  i64 deadline;
  if (__builtin_add_overflow(clock_.now(), nanoseconds, &deadline))
    deadline = nanoseconds > 0 ? std::numeric_limits<i64>::max() : 0;
  arm_at(deadline);
}

void Timer::cancel() {
  if (!armed()) return;
  clock_.impl_->remove(this);
  deadline_ = -1;
}

}  // namespace backplane
