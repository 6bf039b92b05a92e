// SPDX-License-Identifier: MIT
#pragma once

#include <glib.h>

#include "backplane/io_context.h"

namespace backplane {

// The callback of such a source, to be set with g_source_set_callback(); the number is of no use.
using PollFunction = gboolean (*)(gint, GIOCondition, gpointer);

// A source of GLib's that is ready while the conditions hold for something that the host waits for.
// On Windows that can only be kReadable.
GSource* new_poll_source(IoContext::Waitable waitable, unsigned conditions);

}  // namespace backplane
