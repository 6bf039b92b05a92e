// SPDX-License-Identifier: MIT
// The trace of the realize chain under way on this thread: `-d realize`, and which step failed.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "backplane/device.h"

namespace backplane {

// One step, for as long as it runs. The log gets a line for each, with the class that it is of, the
// file that has its code and the time it took, indented by depth. The lines stand in the order in
// which the steps began; since each carries its time, they are printed when the outermost step has
// ended. A step that an exception leaves is marked as failed.
class RealizeTrace {
 public:
  RealizeTrace(const Device& device, const TypeInfo& type, std::string_view step);
  ~RealizeTrace();
  RealizeTrace(const RealizeTrace&) = delete;
  RealizeTrace& operator=(const RealizeTrace&) = delete;

  // The innermost step that an exception left since forget_failure(); empty if none.
  static const std::string& failed_step();
  static void forget_failure();

 private:
  std::string step_;
  int exceptions_;    // under way when the step began
  std::size_t line_;  // in the trace
  i64 start_ns_;
};

}  // namespace backplane
