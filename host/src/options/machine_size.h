// SPDX-License-Identifier: MIT
// -m and -smp: how much memory, how many CPUs.
#pragma once

#include <string_view>

#include "backplane/cpu_topology.h"
#include "backplane/options.h"

namespace backplane::host {

// -m: bytes of "512" (MiB), "512M", "1.5G", in whole pages; the first, unnamed value is "size".
// Throws Error.
u64 parse_memory(KeyValueList values);

// -smp; the first, unnamed value is "cpus". Levels (sockets, cores, ...) must multiply to the
// number of CPUs; what is not given follows from the rest: cores, if they are not, else sockets,
// else threads. Throws Error also if there are more than `max_cpus`, the bound of `machine`.
CpuTopology parse_smp(KeyValueList values, unsigned max_cpus, std::string_view machine);

}  // namespace backplane::host
