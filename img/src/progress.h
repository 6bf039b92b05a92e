// SPDX-License-Identifier: MIT
#pragma once

#include <atomic>
#include <mutex>

#include "backplane/types.h"

namespace backplane::img {

// How far a command is, in a line on standard output that is written over. Any thread.
class Progress {
 public:
  // Says nothing unless it is wanted.
  Progress(bool wanted, u64 total) : wanted_(wanted), total_(total) { show(0); }
  // Ends the line.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(u64 bytes);
  // All is done, whatever was added.
  void finish();

 private:
  void show(u64 done);

  const bool wanted_;
  const u64 total_;
  std::atomic<u64> done_ = 0;
  std::mutex mutex_;
  u64 shown_ = ~u64{0};  // hundredths of a percent
};

}  // namespace backplane::img
