// SPDX-License-Identifier: MIT
// How far something long has come, on a terminal.
#pragma once

#include <chrono>
#include <string>

#include "backplane/machine_state.h"

namespace backplane::host {

// One line of standard error, which is written over again and goes with this object. Where standard
// error is no terminal, nothing.
class ProgressLine {
 public:
  // "saving".
  explicit ProgressLine(std::string doing);
  ~ProgressLine();
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;

  // Says something else than a number.
  void say(std::string_view text);
  // For save_machine() and its like; good as long as this object.
  StateProgress shower();

 private:
  void show(u64 done, u64 total);

  std::string doing_;
  bool on_terminal_;
  bool shown_ = false;
  std::chrono::steady_clock::time_point next_{};
};

// The line's text: "saving: 12 of 512 MiB"; more done than there was at first is the total then.
std::string progress_text(std::string_view doing, u64 done, u64 total);

}  // namespace backplane::host
