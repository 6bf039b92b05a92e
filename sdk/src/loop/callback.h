// SPDX-License-Identifier: MIT
#pragma once

#include <exception>
#include <utility>

#include "backplane/log.h"
#include "backplane/machine_lock.h"

namespace backplane {

// Runs fn as every callback of the main loop runs: with the machine lock, and so that no exception
// reaches the C code that called us.
template <class Fn>
void run_callback(Fn&& fn) noexcept {
  const MachineLock::Guard lock;
  try {
    std::forward<Fn>(fn)();
  } catch (const std::exception& error) {
    log::report(error.what());
  }
}

}  // namespace backplane
