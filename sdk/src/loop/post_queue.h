// SPDX-License-Identifier: MIT
#pragma once

#include <glib.h>

#include <deque>
#include <functional>
#include <mutex>

namespace backplane {

// Functions waiting to run on the main loop's thread, in order.
class PostQueue {
 public:
  explicit PostQueue(GMainContext* context);
  ~PostQueue();
  PostQueue(const PostQueue&) = delete;
  PostQueue& operator=(const PostQueue&) = delete;

  void push(std::function<void()> fn);

 private:
  struct Source;
  bool empty();
  void run();

  GMainContext* context_;
  std::mutex mutex_;
  std::deque<std::function<void()>> queue_;
  GSource* source_;
};

}  // namespace backplane
