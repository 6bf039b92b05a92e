// SPDX-License-Identifier: MIT
#include "backplane/main_loop.h"

#include <glib.h>

#include <atomic>
#include <memory>
#include <optional>
#include <vector>

#include "loop/callback.h"
#include "loop/clock_source.h"
#include "loop/post_queue.h"
#include "loop/termination.h"
#include "loop/watch.h"

namespace backplane {

static_assert(unsigned{IoContext::kReadable} == unsigned{G_IO_IN});
static_assert(unsigned{IoContext::kWritable} == unsigned{G_IO_OUT});
static_assert(unsigned{IoContext::kHangup} == unsigned{G_IO_HUP});

struct MainLoop::Impl final : IoContext {
  void post(std::function<void()> fn) override { posted.push(std::move(fn)); }
  WatchHandle watch(Waitable waitable, unsigned conditions,
                    std::function<void(unsigned)> fn) override {
    return {new Watch(context, *this, waitable, conditions, std::move(fn)),
            [](Watch* watch) { delete watch; }};
  }
  void lock() override { MachineLock::acquire(); }
  void unlock() override { MachineLock::release(); }
  bool held_by_me() const override { return MachineLock::held_by_me(); }
  void with_machine(std::function<void()> fn) override { fn(); }
  void run_kept() override {}

  GMainContext* context = g_main_context_default();
  PostQueue posted{context, *this};
  std::vector<std::unique_ptr<ClockSource>> clocks;
  std::atomic<bool> quitting{false};
  std::atomic<int> status{0};
  std::function<void(int)> on_signal;
};

MainLoop::MainLoop() : impl_(std::make_unique<Impl>()) {}

MainLoop::~MainLoop() = default;

int MainLoop::run() {
  std::optional<TerminationRequests> termination;
  if (impl_->on_signal) termination.emplace(*this, impl_->on_signal);
  while (!impl_->quitting.load(std::memory_order_acquire))
    g_main_context_iteration(impl_->context, TRUE);
  impl_->quitting.store(false, std::memory_order_relaxed);
  return impl_->status.load(std::memory_order_relaxed);
}

void MainLoop::quit(int status) {
  // In the loop's own order: what was posted before still runs.
  post([this, status] {
    if (impl_->quitting.load(std::memory_order_relaxed)) return;
    impl_->status.store(status, std::memory_order_relaxed);
    impl_->quitting.store(true, std::memory_order_release);
  });
}

void MainLoop::post(std::function<void()> fn) { impl_->post(std::move(fn)); }

IoContext& MainLoop::io_context() { return *impl_; }

bool MainLoop::iterate(bool wait) {
  const MachineLock::Release release;
  return g_main_context_iteration(impl_->context, wait ? TRUE : FALSE) != FALSE;
}

MainLoop::WatchHandle MainLoop::watch(Waitable waitable, unsigned conditions,
                                      std::function<void(unsigned)> fn) {
  return impl_->watch(waitable, conditions, std::move(fn));
}

void MainLoop::attach_clock(Clock& clock) {
  detach_clock(clock);
  impl_->clocks.push_back(std::make_unique<ClockSource>(impl_->context, clock));
}

void MainLoop::detach_clock(Clock& clock) {
  std::erase_if(impl_->clocks, [&clock](const auto& source) { return &source->clock() == &clock; });
}

void MainLoop::on_termination(std::function<void(int signal)> fn) {
  impl_->on_signal = std::move(fn);
}

}  // namespace backplane
