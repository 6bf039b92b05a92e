// SPDX-License-Identifier: MIT
#include "backplane/io_thread.h"

#include <glib.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

#include "backplane/error.h"
#include "backplane/machine_lock.h"
#include "loop/callback.h"
#include "loop/post_queue.h"
#include "loop/watch.h"
#include "thread/host_thread.h"

namespace backplane {

struct IoThread::Impl {
  explicit Impl(IoThread& loop) : posted(context.get(), loop) {}

  struct Unref {
    void operator()(GMainContext* context) const { g_main_context_unref(context); }
  };
  std::unique_ptr<GMainContext, Unref> context{g_main_context_new()};
  PostQueue posted;
  std::mutex mutex;
  std::atomic<std::thread::id> holder{};
  // What with_machine() has kept. Its mutex is the innermost lock.
  std::mutex kept_mutex;
  std::deque<std::function<void()>> kept;
  std::atomic<bool> quitting{false};
  std::atomic<u64> thread_id{0};
  std::thread thread;
  unsigned users = 0;  // machine lock
};

void IoThread::class_init(ObjectClass& k) { k.stateless(); }

IoThread::IoThread() : impl_(std::make_unique<Impl>(*this)) {}

// Nobody uses it; but the last of what was kept may wait for the machine lock, which we have.
IoThread::~IoThread() {
  if (!impl_->thread.joinable()) return;
  impl_->quitting.store(true, std::memory_order_release);
  g_main_context_wakeup(impl_->context.get());
  const MachineLock::Release release;
  impl_->thread.join();
}

void IoThread::open() {
  try {
    impl_->thread = start_thread("io " + id(), [this] {
      impl_->thread_id.store(current_thread_id(), std::memory_order_relaxed);
      while (!impl_->quitting.load(std::memory_order_acquire))
        g_main_context_iteration(impl_->context.get(), TRUE);
    });
  } catch (const std::system_error& error) {
    throw Error::of("cannot start a thread: {}", error.what());
  }
}

void IoThread::post(std::function<void()> fn) { impl_->posted.push(std::move(fn)); }

IoContext::WatchHandle IoThread::watch(Waitable waitable, unsigned conditions,
                                       std::function<void(unsigned)> fn) {
  return {new Watch(impl_->context.get(), *this, waitable, conditions, std::move(fn)),
          [](Watch* watch) { delete watch; }};
}

void IoThread::lock() {
  impl_->mutex.lock();
  impl_->holder.store(std::this_thread::get_id(), std::memory_order_relaxed);
}

void IoThread::unlock() {
  impl_->holder.store({}, std::memory_order_relaxed);
  impl_->mutex.unlock();
  if (MachineLock::held_by_me()) return;
  {
    const std::lock_guard lock(impl_->kept_mutex);
    if (impl_->kept.empty()) return;
  }
  const MachineLock::Guard lock;
  run_kept();
}

bool IoThread::held_by_me() const {
  return impl_->holder.load(std::memory_order_relaxed) == std::this_thread::get_id();
}

void IoThread::with_machine(std::function<void()> fn) {
  if (MachineLock::held_by_me()) return fn();
  const std::lock_guard lock(impl_->kept_mutex);
  impl_->kept.push_back(std::move(fn));
}

// Another thread may have done it while this one waited for the machine lock. What it refers to is
// there as long as the machine lock is held, as it is from here on. One by one: a function that has
// all run before it goes on, too, finds what is behind it. What comes meanwhile may go on coming.
void IoThread::run_kept() {
  std::size_t count;
  {
    const std::lock_guard lock(impl_->kept_mutex);
    count = impl_->kept.size();
  }
  for (; count != 0; --count) {
    std::function<void()> fn;
    {
      const std::lock_guard lock(impl_->kept_mutex);
      if (impl_->kept.empty()) return;
      fn = std::move(impl_->kept.front());
      impl_->kept.pop_front();
    }
    run_reporting(fn);
  }
}

Backend& IoThread::claim(const Object& /*user*/) {
  ++impl_->users;
  return *this;
}

void IoThread::release() { --impl_->users; }

const Object* IoThread::user() const { return impl_->users != 0 ? this : nullptr; }

std::string IoThread::describe() const {
  return fmt::format("thread {}, serves {}", thread_id(), impl_->users);
}

u64 IoThread::thread_id() const { return impl_->thread_id.load(std::memory_order_relaxed); }

BACKPLANE_REGISTER(IoThread, .description = "A thread that serves the queues of devices")

}  // namespace backplane
