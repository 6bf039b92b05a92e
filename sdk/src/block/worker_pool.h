// SPDX-License-Identifier: MIT
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace backplane {

// A few threads for work that waits for a disk. They start when there is work for them.
class WorkerPool {
 public:
  WorkerPool(std::size_t maximum_threads, std::string thread_name)
      : maximum_threads_(maximum_threads), thread_name_(std::move(thread_name)) {}
  // Finishes what was submitted.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  // Any thread. Jobs start in order and must not throw.
  void submit(std::function<void()> job);

 private:
  void work();
  void start_another();

  const std::size_t maximum_threads_;
  const std::string thread_name_;
  std::mutex mutex_;  // innermost: nothing is called with it
  std::condition_variable wake_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::thread> threads_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
};

}  // namespace backplane
