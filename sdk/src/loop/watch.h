// SPDX-License-Identifier: MIT
#pragma once

#include <glib.h>

#include <functional>

#include "backplane/io_context.h"

namespace backplane {

// Something that is watched. GLib keeps the function while it runs, so a watch may end inside it.
class IoContext::Watch {
 public:
  // Of the loop that runs `context`.
  Watch(GMainContext* context, IoContext& loop, Waitable waitable, unsigned conditions,
        std::function<void(unsigned)> fn);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  GSource* source_;
};

}  // namespace backplane
