// SPDX-License-Identifier: MIT
// How a machine's CPUs are made up.
#pragma once

namespace backplane {

// Sockets, the dies of each, the cores of each die, the threads of each core. CPUs are numbered
// through them, threads first.
struct CpuTopology {
  unsigned sockets = 1, dies = 1, cores = 1, threads = 1;

  unsigned cpus() const { return sockets * dies * cores * threads; }
  bool operator==(const CpuTopology&) const = default;
};

}  // namespace backplane
