// SPDX-License-Identifier: MIT
#include "loop/poll_source.h"

#include <glib-unix.h>

namespace backplane {

GSource* new_poll_source(IoContext::Waitable waitable, unsigned conditions) {
  return g_unix_fd_source_new(waitable, static_cast<GIOCondition>(conditions));
}

}  // namespace backplane
