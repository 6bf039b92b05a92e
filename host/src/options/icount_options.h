// SPDX-License-Identifier: MIT
// -icount: instruction counting. Checked before any accelerator is looked at.
#pragma once

#include "backplane/accelerator.h"
#include "backplane/options.h"

namespace backplane::host {

// The largest shift: 2^10 ns an instruction.
constexpr unsigned kMaxIcountShift = 10;

// What -icount asks for; the first, unnamed value is "shift". Throws Error.
IcountOptions parse_icount(KeyValueList values);

struct Configuration;
void set_icount(Configuration& configuration, const GivenOption& option);

}  // namespace backplane::host
