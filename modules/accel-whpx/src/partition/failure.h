// SPDX-License-Identifier: MIT
// What the platform refuses, as an error of this program.
#pragma once

#include "api/results.h"
#include "backplane/error.h"

namespace backplane::whpx {

// "WHPX: cannot create a partition, hr=80370304"
Error refused(const char* what, HRESULT result);

// Throws that if the result is a failure. `what` follows "cannot".
inline void check(const char* what, HRESULT result) {
  if (!succeeded(result)) throw refused(what, result);
}

}  // namespace backplane::whpx
