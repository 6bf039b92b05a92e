// SPDX-License-Identifier: MIT
#pragma once

#include <glib.h>

#include <deque>
#include <functional>
#include <mutex>

#include "backplane/io_context.h"

namespace backplane {

// Functions waiting to run on a loop's thread, in order.
class PostQueue {
 public:
  // Of the loop that runs `context`.
  PostQueue(GMainContext* context, IoContext& loop);
  ~PostQueue();
  PostQueue(const PostQueue&) = delete;
  PostQueue& operator=(const PostQueue&) = delete;

  void push(std::function<void()> fn);

 private:
  struct Source;
  bool empty();
  void run();

  GMainContext* context_;
  IoContext& loop_;
  std::mutex mutex_;
  std::deque<std::function<void()>> queue_;
  GSource* source_;
};

}  // namespace backplane
