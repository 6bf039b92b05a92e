// SPDX-License-Identifier: MIT
#include "backplane/phase.h"

#include <cassert>

namespace backplane {

void LaunchPhases::advance(Phase next) {
  assert(static_cast<int>(next) == static_cast<int>(current_) + 1);
  current_ = next;
  waiting_[static_cast<std::size_t>(next)].tell();
}

Subscription LaunchPhases::on_reached(Phase phase, std::function<void()> fn) {
  return waiting_[static_cast<std::size_t>(phase)].add(std::move(fn));
}

}  // namespace backplane
