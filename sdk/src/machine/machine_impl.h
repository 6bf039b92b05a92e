// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <string>

#include "backplane/machine.h"

namespace backplane {

struct Machine::Impl {
  // What was requested and waits for the main loop; guest code does not run on before it is done.
  enum Request : unsigned { kReset = 1, kStop = 2, kShutdown = 4 };
  std::atomic<unsigned> requests{0};
  bool torn_down = false;
  // Signalled, with the machine lock held, when a vCPU's thread leaves guest code for good or has
  // done what it was asked to do.
  std::condition_variable_any progress;
  std::map<std::string, Object*, std::less<>> services;
};

}  // namespace backplane
