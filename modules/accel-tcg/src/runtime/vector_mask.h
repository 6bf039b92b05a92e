// SPDX-License-Identifier: MIT
#pragma once

#include "backplane/types.h"

namespace backplane::tcg {

// XSAVE components of the host among x87 (1), SSE (2), AVX (4). Throws Error if the host has no
// XSAVE, which the translator needs.
u32 host_vector_mask();

}  // namespace backplane::tcg
