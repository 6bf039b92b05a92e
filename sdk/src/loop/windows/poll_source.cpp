// SPDX-License-Identifier: MIT
#include "loop/poll_source.h"

namespace backplane {

namespace {

// GLib waits for the handle itself. [GLib "GPollFD": on Windows, fd is a HANDLE]
struct HandleSource {
  GSource base;
  GPollFD handle;
};

GPollFD& handle_of(GSource* source) { return reinterpret_cast<HandleSource*>(source)->handle; }

gboolean prepare(GSource*, gint* timeout) {
  *timeout = -1;
  return FALSE;
}

gboolean check(GSource* source) { return handle_of(source).revents != 0 ? TRUE : FALSE; }

gboolean dispatch(GSource* source, GSourceFunc callback, gpointer data) {
  const auto function = reinterpret_cast<PollFunction>(reinterpret_cast<void*>(callback));
  return function(0, static_cast<GIOCondition>(handle_of(source).revents), data);
}

GSourceFuncs functions{prepare, check, dispatch, nullptr, nullptr, nullptr};

}  // namespace

GSource* new_poll_source(IoContext::Waitable waitable, unsigned conditions) {
  GSource* const source = g_source_new(&functions, sizeof(HandleSource));
  GPollFD& handle = handle_of(source);
  handle.fd = reinterpret_cast<gintptr>(waitable);
  handle.events = static_cast<gushort>(conditions);
  handle.revents = 0;
  g_source_add_poll(source, &handle);
  return source;
}

}  // namespace backplane
