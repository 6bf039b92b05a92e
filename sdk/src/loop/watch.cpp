// SPDX-License-Identifier: MIT
#include "loop/watch.h"

#include "loop/callback.h"
#include "loop/poll_source.h"

namespace backplane {

namespace {

struct Callback {
  GSource* source;
  std::function<void(unsigned)> fn;
};

gboolean ready(gint, GIOCondition condition, gpointer data) {
  auto* const callback = static_cast<Callback*>(data);
  run_callback([&] {
    // Ended by another thread while we waited for the lock.
    if (!g_source_is_destroyed(callback->source)) callback->fn(condition);
  });
  return G_SOURCE_CONTINUE;
}

void free_callback(gpointer data) { delete static_cast<Callback*>(data); }

}  // namespace

MainLoop::Watch::Watch(GMainContext* context, Waitable waitable, unsigned conditions,
                       std::function<void(unsigned)> fn)
    : source_(new_poll_source(waitable, conditions)) {
  g_source_set_name(source_, "backplane watch");
  g_source_set_callback(source_, G_SOURCE_FUNC(&ready), new Callback{source_, std::move(fn)},
                        &free_callback);
  g_source_attach(source_, context);
}

MainLoop::Watch::~Watch() {
  g_source_destroy(source_);
  g_source_unref(source_);
}

}  // namespace backplane
