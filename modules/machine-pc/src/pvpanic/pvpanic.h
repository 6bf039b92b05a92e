// SPDX-License-Identifier: MIT
// The register by which a guest says that it has panicked. [pvpanic "Bit Definition"]
#pragma once

#include "backplane/log.h"
#include "backplane/machine.h"

namespace backplane::pc {

class PvPanic {
 public:
  enum Event : u8 {
    kPanicked = 1 << 0,
    kCrashLoaded = 1 << 1,  // it has panicked, and goes on with a kernel that it keeps for that
  };

  explicit PvPanic(Machine& machine) : machine_(machine) {}

  // Which events may be written.
  u64 read(u64 /*offset*/, unsigned /*size*/) { return kPanicked | kCrashLoaded; }
  void write(u64 /*offset*/, u64 value, unsigned /*size*/) {
    if ((value & ~u64{kPanicked | kCrashLoaded}) != 0)
      guest_errors_("pvpanic: events {:#x} are written, of which some are unknown", value);
    if ((value & kPanicked) != 0) machine_.run_control().report_panic();
  }

 private:
  Machine& machine_;
  GuestErrors guest_errors_;
};

}  // namespace backplane::pc
