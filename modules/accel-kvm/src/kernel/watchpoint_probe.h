// SPDX-License-Identifier: MIT
// Whether this host's KVM reports accesses to what a debug register watches: a KVM that has no
// hardware virtualisation below it, and emulates, takes the wish and reports none.
#pragma once

#include "kernel/system.h"

namespace backplane::kvm {

// Runs a few instructions in a virtual machine of its own. False also if that fails.
bool reports_watchpoints(const System& system);

}  // namespace backplane::kvm
