// SPDX-License-Identifier: MIT
#include "loop/watch.h"

#include "loop/callback.h"
#include "loop/poll_source.h"

namespace backplane {

namespace {

struct Callback {
  IoContext& loop;
  GSource* source;
  std::function<void(unsigned)> fn;
  bool running = false;
};

class Running {
 public:
  explicit Running(Callback& callback) : callback_(callback) { callback_.running = true; }
  ~Running() { callback_.running = false; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;

 private:
  Callback& callback_;
};

gboolean ready(gint, GIOCondition condition, gpointer data) {
  auto* const callback = static_cast<Callback*>(data);
  run_callback(callback->loop, [&] {
    // Ended by another thread while we waited for the lock; or the loop runs inside the callback.
    if (g_source_is_destroyed(callback->source) || callback->running) return;
    const Running running(*callback);
    callback->fn(condition);
  });
  return G_SOURCE_CONTINUE;
}

void free_callback(gpointer data) { delete static_cast<Callback*>(data); }

}  // namespace

IoContext::Watch::Watch(GMainContext* context, IoContext& loop, Waitable waitable,
                        unsigned conditions, std::function<void(unsigned)> fn)
    : source_(new_poll_source(waitable, conditions)) {
  g_source_set_name(source_, "backplane watch");
  g_source_set_callback(source_, G_SOURCE_FUNC(&ready), new Callback{loop, source_, std::move(fn)},
                        &free_callback);
  // GLib would keep a source from recursing by taking its descriptor out of those that it waits for
  // and putting it back, at the cost of three system calls for each event.
  g_source_set_can_recurse(source_, TRUE);
  g_source_attach(source_, context);
}

IoContext::Watch::~Watch() {
  g_source_destroy(source_);
  g_source_unref(source_);
}

}  // namespace backplane
