// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace backplane {
class BalloonControl;
class Machine;
}  // namespace backplane

namespace backplane::host {

// The machine's balloon. Throws Error if it has none.
BalloonControl& balloon_of(Machine& machine);
// For `info balloon`: "balloon: actual=512", in MiB, then the guest's statistics.
std::string balloon_text(Machine& machine);

}  // namespace backplane::host
