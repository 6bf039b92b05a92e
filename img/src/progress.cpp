// SPDX-License-Identifier: MIT
#include "progress.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>

namespace backplane::img {

Progress::~Progress() {
  if (wanted_) fmt::print("\n");
}

void Progress::add(u64 bytes) {
  const u64 done = done_ += bytes;
  if (wanted_) show(done);
}

void Progress::finish() { show(total_); }

void Progress::show(u64 done) {
  constexpr double kWhole = 10000;
  if (!wanted_) return;
  const double part =
      total_ == 0 ? 1 : static_cast<double>(std::min(done, total_)) / static_cast<double>(total_);
  const auto now = static_cast<u64>(part * kWhole);
  const std::lock_guard lock(mutex_);
  // Neither more often than it can be read, nor backwards.
  if (shown_ != ~u64{0} && now < shown_ + 100 && now != static_cast<u64>(kWhole)) return;
  shown_ = now;
  fmt::print("    ({:.2f}/100%)\r", static_cast<double>(now) / 100);
  std::fflush(stdout);
}

}  // namespace backplane::img
