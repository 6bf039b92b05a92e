// SPDX-License-Identifier: MIT
#include "backplane/clock.h"

#include <algorithm>
#include <chrono>
#include <limits>
#include <vector>

#include "diagnostics/module_fault.h"

namespace backplane {

namespace {

constexpr i64 kNever = std::numeric_limits<i64>::max();

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
  // Time goes no further. Whoever raises it has changed `state` before, whoever reads both reads
  // this one first: so nobody sees a distance that was already given up with the new limit.
  std::atomic<i64> limit{kNever};
  i64 slack = 0;       // 0: there is no limit
  i64 stopped_at = 0;  // host time
  Source host;
  Source source;
  bool follows_instructions = false;
  std::function<void(i64)> paused;
  std::function<bool()> ready;
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
    move_limit();
  }
  // Gives up what the host is ahead, and lets time go on to the deadline that is now the earliest.
  void move_limit() {
    const i64 distance = state.load(std::memory_order_relaxed);
    if (slack == 0 || source || (distance & 1) == 0) return;
    i64 time = (distance >> 1) + host_time();
    const i64 ahead = time - limit.load(std::memory_order_relaxed);
    if (ahead > 0) {
      time -= ahead;
      state.store(distance - ahead * 2, std::memory_order_release);
      if (paused) paused(ahead);
    }
    const i64 next = earliest.load(std::memory_order_relaxed);
    limit.store(next < 0 || next > kNever - slack ? kNever : std::max(next, time) + slack,
                std::memory_order_release);
  }
  i64 host_time() const { return host ? host() : host_monotonic(); }
  void notify() const {
    if (rearmed) rearmed();
  }
};

Clock::Clock(ClockType type, Source host) : type_(type), impl_(std::make_unique<Impl>()) {
  impl_->host = std::move(host);
  impl_->stopped_at = host_time();
}
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
  const i64 limit = impl_->limit.load(std::memory_order_acquire);
  const i64 state = impl_->state.load(std::memory_order_acquire);
  return std::min((state >> 1) + ((state & 1) != 0 ? host_time() : 0), limit);
}

bool Clock::running() const {
  return type_ != ClockType::Virtual || (impl_->state.load(std::memory_order_acquire) & 1) != 0;
}

void Clock::start() {
  if (running()) return;
  const i64 time = impl_->state.load(std::memory_order_relaxed) >> 1;
  const i64 host = host_time();
  impl_->state.store(((time - host) * 2) | 1, std::memory_order_release);
  if (impl_->paused) impl_->paused(host - impl_->stopped_at);
  impl_->move_limit();
  impl_->notify();
}

void Clock::stop() {
  if (type_ != ClockType::Virtual || !running()) return;
  impl_->move_limit();
  const i64 distance = impl_->state.load(std::memory_order_relaxed) >> 1;
  impl_->stopped_at = host_time();
  impl_->state.store((distance + impl_->stopped_at) * 2, std::memory_order_release);
  impl_->limit.store(kNever, std::memory_order_release);
  if (impl_->paused) impl_->paused(0);
  impl_->notify();
}

void Clock::set_time(i64 time) { impl_->state.store(time * 2, std::memory_order_release); }

void Clock::set_source(Source source) { impl_->source = std::move(source); }

void Clock::follow_instructions(Source source) {
  impl_->follows_instructions = static_cast<bool>(source);
  set_source(std::move(source));
}

bool Clock::follows_instructions() const { return impl_->follows_instructions; }

bool Clock::follows_host() const { return !impl_->source; }

void Clock::hold_at_deadlines(i64 slack) {
  impl_->slack = slack;
  impl_->move_limit();
}

i64 Clock::room_at(i64 host_time) const {
  const i64 limit = impl_->limit.load(std::memory_order_relaxed);
  const i64 state = impl_->state.load(std::memory_order_relaxed);
  return limit == kNever || (state & 1) == 0 ? kNever : limit - ((state >> 1) + host_time);
}

i64 Clock::host_time() const { return impl_->host_time(); }

void Clock::set_pause_hook(std::function<void(i64 stood_still)> hook) {
  impl_->paused = std::move(hook);
}

void Clock::set_ready_check(std::function<bool()> check) { impl_->ready = std::move(check); }

bool Clock::ready_to_fire() const { return !impl_->ready || impl_->ready(); }

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
    try {
      timer.callback_();
    } catch (...) {
      const std::type_info& callback = timer.callback_.target_type();
      end_for_exception(&callback, "a timer of " + demangled(callback));
    }
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
