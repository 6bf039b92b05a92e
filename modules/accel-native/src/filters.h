// SPDX-License-Identifier: MIT
// Which system calls a stub's tasks may make. [seccomp(2)]
#pragma once

#include <linux/filter.h>

#include <vector>

#include "backplane/types.h"

namespace backplane::native {

using Filter = std::vector<sock_filter>;

// Of every task of a stub whose area is at that address: the call that hands over goes to the
// emulator, who holds the listener.
Filter listener_filter(u64 area);
// Of the task that runs the guest: that call, and the end of a signal, each from its one place;
// every other call is a signal.
Filter guest_filter(u64 area);
// Of the mapper: to map, unmap and protect pages of its one file, to wait for orders, and to say
// that they are done; anything else ends it.
Filter mapper_filter();

}  // namespace backplane::native
