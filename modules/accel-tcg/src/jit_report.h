// SPDX-License-Identifier: MIT
// What `info jit` tells: the code that was made, and what vCPUs did besides running it.
#pragma once

#include "backplane/value.h"

namespace backplane::tcg {

struct Engine;
class TcgVcpu;

// One vCPU's part: a record. Any thread: what it says may be a moment old.
Value work_of(const TcgVcpu& vcpu);
// The code cache's, with those of the vCPUs.
Value code_made(const Engine& engine, Value::List cpus);

}  // namespace backplane::tcg
