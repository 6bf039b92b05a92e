// SPDX-License-Identifier: MIT
// What a stream of bytes is to the host: a file descriptor, or a HANDLE of Windows. Each owns it;
// get() gives it, and it is false if there is none.
#pragma once

#ifdef _WIN32
#include "file/windows/unique_handle.h"
#else
#include "file/linux/unique_fd.h"
#endif

namespace backplane {

#ifdef _WIN32
using StreamHandle = UniqueHandle;
#else
using StreamHandle = UniqueFd;
#endif

}  // namespace backplane
