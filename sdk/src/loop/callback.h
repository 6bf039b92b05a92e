// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "backplane/error.h"
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
  } catch (...) {
    log::report(current_exception_text());
  }
}

}  // namespace backplane
