// SPDX-License-Identifier: MIT
#include "partition/failure.h"

#include <cerrno>

namespace backplane::whpx {

Error refused(const char* what, HRESULT result) {
  return Error::of("WHPX: cannot {}, hr={:08x}", what, static_cast<u32>(result)).as_system(EINVAL);
}

}  // namespace backplane::whpx
