// SPDX-License-Identifier: MIT
#include "loop/termination.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>

#include "backplane/event_fd.h"
#include "backplane/main_loop.h"

namespace backplane {

struct TerminationRequests::Impl {
  struct Signal {
    int number;
    struct sigaction former;
  };

  static void arrived(int number);
  void pass_on();

  // Of the handler above, which calls nothing but what POSIX lists as async-signal-safe.
  static inline std::atomic<Impl*> current{nullptr};

  std::function<void(int)> fn;
  std::array<Signal, 3> signals{{{SIGINT, {}}, {SIGTERM, {}}, {SIGHUP, {}}}};
  std::atomic<int> pending{0};  // the one that waits for the loop
  EventFd event;
  MainLoop::WatchHandle watch{nullptr, nullptr};
};

// A loop that has not seen the one before is stuck: then a signal does what it did before.
void TerminationRequests::Impl::arrived(int number) {
  Impl* const impl = current.load();
  if (impl == nullptr) return;
  const int saved_errno = errno;
  if (impl->pending.exchange(number) == 0) {
    impl->event.signal();
  } else {
    for (const Signal& signal : impl->signals)
      if (signal.number == number) sigaction(number, &signal.former, nullptr);
    raise(number);
  }
  errno = saved_errno;
}

void TerminationRequests::Impl::pass_on() {
  event.take();
  if (const int number = pending.exchange(0); number != 0) fn(number);
}

TerminationRequests::TerminationRequests(MainLoop& loop, std::function<void(int signal)> fn)
    : impl_(std::make_unique<Impl>()) {
  const MachineLock::Guard lock;
  impl_->fn = std::move(fn);
  impl_->watch = loop.watch(impl_->event.waitable(), MainLoop::kReadable,
                            [impl = impl_.get()](unsigned) { impl->pass_on(); });
  Impl::current.store(impl_.get());
  struct sigaction action {};
  action.sa_handler = &Impl::arrived;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (Impl::Signal& signal : impl_->signals) sigaction(signal.number, &action, &signal.former);
}

TerminationRequests::~TerminationRequests() {
  const MachineLock::Guard lock;
  for (const Impl::Signal& signal : impl_->signals)
    sigaction(signal.number, &signal.former, nullptr);
  Impl::current.store(nullptr);
  impl_->watch.reset();
}

}  // namespace backplane
