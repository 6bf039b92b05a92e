// SPDX-License-Identifier: MIT
#pragma once

#include <glib.h>

#include <functional>

#include "backplane/main_loop.h"

namespace backplane {

// Something that is watched. GLib keeps the function while it runs, so a watch may end inside it.
class MainLoop::Watch {
 public:
  Watch(GMainContext* context, Waitable waitable, unsigned conditions,
        std::function<void(unsigned)> fn);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  GSource* source_;
};

}  // namespace backplane
