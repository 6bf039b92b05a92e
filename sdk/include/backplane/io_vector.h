// SPDX-License-Identifier: MIT
// iovec: one piece of memory in a list that is read into or written from. [POSIX "sys/uio.h"]
#pragma once

#ifndef _WIN32

#include <sys/uio.h>

#else

#include <cstddef>

namespace backplane {

// Windows has none; here is ours, with the members that POSIX gives it.
struct iovec {
  void* iov_base;
  std::size_t iov_len;  // bytes
};

}  // namespace backplane

#endif
