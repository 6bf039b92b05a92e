// SPDX-License-Identifier: MIT
#pragma once

#include <utility>

#include "backplane/error.h"
#include "backplane/io_context.h"
#include "backplane/log.h"
#include "backplane/machine_lock.h"

namespace backplane {

// Runs fn so that no exception reaches the C code that called us.
template <class Fn>
void run_reporting(Fn&& fn) noexcept {
  try {
    std::forward<Fn>(fn)();
  } catch (...) {
    log::report(current_exception_text());
  }
}

// Runs fn as every callback of a loop runs: with its lock.
template <class Fn>
void run_callback(IoContext& context, Fn&& fn) noexcept {
  const IoContext::Guard lock(context);
  run_reporting(std::forward<Fn>(fn));
}

// The same for one of the main loop.
template <class Fn>
void run_callback(Fn&& fn) noexcept {
  const MachineLock::Guard lock;
  run_reporting(std::forward<Fn>(fn));
}

}  // namespace backplane
