// SPDX-License-Identifier: MIT
// How the host's scheduler treats two tasks that wake each other all the time.
#pragma once

#include <sys/types.h>

namespace backplane::native {

// Asks for turns of a tenth of a millisecond, which make a task that was woken run sooner where
// others want the processor too; it gets no more of it. Its nice value stays. 0: the calling
// thread. Kernels before 6.12 take no notice. [sched_setattr(2), "sched_runtime" of SCHED_OTHER]
void ask_for_short_turns(pid_t task);

}  // namespace backplane::native
