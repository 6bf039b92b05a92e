// SPDX-License-Identifier: MIT
#include "launch/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace backplane::host {

namespace {

constexpr auto kPause = std::chrono::milliseconds(100);
constexpr std::string_view kErase = "\r\x1b[K";

void write(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

}  // namespace

std::string progress_text(std::string_view doing, u64 done, u64 total) {
  const u64 all = std::max(done, total);
  return fmt::format("{}: {} of {} MiB", doing, done >> 20, (all >> 20) + (all % 1_MiB != 0));
}

ProgressLine::ProgressLine(std::string doing)
    : doing_(std::move(doing)), on_terminal_(isatty(STDERR_FILENO) != 0) {}

ProgressLine::~ProgressLine() {
  if (shown_) write(kErase);
}

void ProgressLine::say(std::string_view text) {
  if (!on_terminal_) return;
  write(fmt::format("{}{}", kErase, text));
  shown_ = true;
}

StateProgress ProgressLine::shower() {
  if (!on_terminal_) return {};
  return [this](u64 done, u64 total) { show(done, total); };
}

void ProgressLine::show(u64 done, u64 total) {
  const auto now = std::chrono::steady_clock::now();
  if (now < next_) return;
  next_ = now + kPause;
  say(progress_text(doing_, done, total));
}

}  // namespace backplane::host
