// SPDX-License-Identifier: MIT
#include "backplane/main_loop.h"

#include <glib-unix.h>
#include <glib.h>

#include <array>
#include <atomic>
#include <csignal>
#include <memory>
#include <vector>

#include "loop/callback.h"
#include "loop/clock_source.h"
#include "loop/post_queue.h"
#include "loop/watch.h"

namespace backplane {

static_assert(unsigned{MainLoop::kReadable} == unsigned{G_IO_IN});
static_assert(unsigned{MainLoop::kWritable} == unsigned{G_IO_OUT});
static_assert(unsigned{MainLoop::kHangup} == unsigned{G_IO_HUP});

namespace {

// A termination signal on its way from GLib to the function that was set for it.
struct SignalWatch {
  std::function<void(int)>& fn;
  int signal;
  guint source = 0;
};

gboolean signal_arrived(gpointer data) {
  const auto* const watch = static_cast<SignalWatch*>(data);
  run_callback([watch] {
    if (watch->fn) watch->fn(watch->signal);
  });
  return G_SOURCE_CONTINUE;
}

}  // namespace

struct MainLoop::Impl {
  GMainContext* context = g_main_context_default();
  PostQueue posted{context};
  std::vector<std::unique_ptr<ClockSource>> clocks;
  std::atomic<bool> quitting{false};
  std::atomic<int> status{0};
  std::function<void(int)> on_signal;
  std::array<SignalWatch, 3> signals{
      {{on_signal, SIGINT}, {on_signal, SIGTERM}, {on_signal, SIGHUP}}};
};

MainLoop::MainLoop() : impl_(std::make_unique<Impl>()) {}

MainLoop::~MainLoop() {
  for (const SignalWatch& watch : impl_->signals)
    if (watch.source != 0) g_source_remove(watch.source);
}

int MainLoop::run() {
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

void MainLoop::post(std::function<void()> fn) { impl_->posted.push(std::move(fn)); }

bool MainLoop::iterate(bool wait) {
  const MachineLock::Release release;
  return g_main_context_iteration(impl_->context, wait ? TRUE : FALSE) != FALSE;
}

MainLoop::WatchHandle MainLoop::watch(int fd, unsigned conditions,
                                      std::function<void(unsigned)> fn) {
  return {new Watch(impl_->context, fd, conditions, std::move(fn)),
          [](Watch* watch) { delete watch; }};
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
  for (SignalWatch& watch : impl_->signals)
    if (watch.source == 0) watch.source = g_unix_signal_add(watch.signal, &signal_arrived, &watch);
}

}  // namespace backplane
