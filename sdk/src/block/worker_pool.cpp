// SPDX-License-Identifier: MIT
#include "block/worker_pool.h"

#include <system_error>

#include "thread/host_thread.h"

namespace backplane {

WorkerPool::~WorkerPool() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void WorkerPool::submit(std::function<void()> job) {
  {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    if (jobs_.size() > idle_ && threads_.size() < maximum_threads_) start_another();
  }
  wake_.notify_one();
}

void WorkerPool::start_another() {
  try {
    threads_.push_back(start_thread(thread_name_, [this] { work(); }));
  } catch (const std::system_error&) {
    // Those that run do the work.
    if (threads_.empty()) throw;
  }
}

void WorkerPool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    wake_.wait(lock, [this] { return stopping_ || !jobs_.empty(); });
    --idle_;
    if (jobs_.empty()) return;
    const std::function<void()> job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

}  // namespace backplane
