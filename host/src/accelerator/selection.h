// SPDX-License-Identifier: MIT
// Tries accelerators in order until one runs the machine.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "accelerator/plan.h"
#include "backplane/accelerator.h"

namespace backplane {
class Machine;
}  // namespace backplane

namespace backplane::host {

// True if some module, usable or not, has an accelerator of this name. Loads nothing.
bool accelerator_installed(const std::string& name);

// "installed accelerators: tcg, kvm"; if there is none, or these are all that were tried, how to
// get one.
std::string installed_accelerators(const std::vector<AccelCandidate>& tried);

// That instructions are to be counted, and the option that says so, as written.
struct InstructionCounting {
  IcountOptions options;
  std::string given;
};

// Whether it is said that an accelerator is not there and that the next one is tried. A program
// that tests devices names those that it can do with.
enum class Fallback { Reported, Expected };

// Gives the machine the first candidate that works, and reports those that did not. Throws Error
// for what must not lead to another candidate (a property, -icount), ReportedFailure if none is
// left. Machine lock held.
void select_accelerator(Machine& machine, const std::vector<AccelCandidate>& candidates,
                        const std::optional<InstructionCounting>& icount,
                        Fallback fallback = Fallback::Reported);

}  // namespace backplane::host
