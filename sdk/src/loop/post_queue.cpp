// SPDX-License-Identifier: MIT
#include "loop/post_queue.h"

#include "loop/callback.h"

namespace backplane {

struct PostQueue::Source {
  GSource base;
  PostQueue* queue;

  static PostQueue& of(GSource* source) { return *reinterpret_cast<Source*>(source)->queue; }
  static gboolean prepare(GSource* source, gint* timeout) {
    *timeout = -1;
    return check(source);
  }
  static gboolean check(GSource* source) { return of(source).empty() ? FALSE : TRUE; }
  static gboolean dispatch(GSource* source, GSourceFunc, gpointer) {
    of(source).run();
    return G_SOURCE_CONTINUE;
  }
  static inline GSourceFuncs functions{prepare, check, dispatch, nullptr, nullptr, nullptr};
};

PostQueue::PostQueue(GMainContext* context, IoContext& loop)
    : context_(context), loop_(loop), source_(g_source_new(&Source::functions, sizeof(Source))) {
  reinterpret_cast<Source*>(source_)->queue = this;
  g_source_set_name(source_, "backplane post");
  g_source_set_can_recurse(source_, TRUE);
  g_source_attach(source_, context_);
}

PostQueue::~PostQueue() {
  g_source_destroy(source_);
  g_source_unref(source_);
}

void PostQueue::push(std::function<void()> fn) {
  bool was_empty;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    was_empty = queue_.empty();
    queue_.push_back(std::move(fn));
  }
  // The loop's own thread looks at the queue before it waits.
  if (was_empty && g_main_context_is_owner(context_) == FALSE) g_main_context_wakeup(context_);
}

bool PostQueue::empty() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return queue_.empty();
}

void PostQueue::run() {
  // What a function posts itself waits for the next round, so that other sources get their turn.
  std::size_t count;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    count = queue_.size();
  }
  for (; count != 0; --count) {
    std::function<void()> fn;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (queue_.empty()) return;
      fn = std::move(queue_.front());
      queue_.pop_front();
    }
    run_callback(loop_, fn);
  }
}

}  // namespace backplane
