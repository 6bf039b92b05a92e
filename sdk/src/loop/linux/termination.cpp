// SPDX-License-Identifier: MIT
#include "loop/termination.h"

#include <glib-unix.h>

#include <array>
#include <csignal>

#include "loop/callback.h"

namespace backplane {

struct TerminationRequests::Impl {
  // A signal on its way from GLib to the function.
  struct Watch {
    const std::function<void(int)>& fn;
    int signal;
    guint source = 0;
  };

  static gboolean arrived(gpointer data) {
    const auto* const watch = static_cast<Watch*>(data);
    run_callback([watch] { watch->fn(watch->signal); });
    return G_SOURCE_CONTINUE;
  }

  std::function<void(int)> fn;
  std::array<Watch, 3> watches{{{fn, SIGINT}, {fn, SIGTERM}, {fn, SIGHUP}}};
};

TerminationRequests::TerminationRequests(MainLoop&, std::function<void(int signal)> fn)
    : impl_(std::make_unique<Impl>()) {
  impl_->fn = std::move(fn);
  for (Impl::Watch& watch : impl_->watches)
    watch.source = g_unix_signal_add(watch.signal, &Impl::arrived, &watch);
}

TerminationRequests::~TerminationRequests() {
  for (const Impl::Watch& watch : impl_->watches) g_source_remove(watch.source);
}

}  // namespace backplane
