// SPDX-License-Identifier: MIT
// Tries accelerators in order until one runs the machine.
#pragma once

#include <string>
#include <vector>

#include "accelerator/plan.h"

namespace backplane {
class Machine;
struct ObjectClass;
}  // namespace backplane

namespace backplane::host {

// True if some module, usable or not, has an accelerator of this name. Loads nothing.
bool accelerator_installed(const std::string& name);

// The class of an accelerator that the user asks about, its module loaded. Throws Error if it
// cannot be had.
const ObjectClass& find_accelerator(const std::string& name);

// "installed accelerators: tcg, kvm", or how to get one if there is none.
std::string installed_accelerators();

// Gives the machine the first candidate that works, and reports those that did not. `icount_given`
// is the -icount option as written, empty if there is none: it rules out hardware virtualisation.
// Throws Error for what must not lead to another candidate (a property, -icount), ReportedFailure
// if none is left. Machine lock held.
void select_accelerator(Machine& machine, const std::vector<AccelCandidate>& candidates,
                        const std::string& icount_given);

}  // namespace backplane::host
