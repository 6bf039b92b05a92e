// SPDX-License-Identifier: MIT
#pragma once

#include "file/linux/unique_fd.h"

namespace backplane {

// A way to use a terminal or pipe that was handed to us without ever blocking on it: a second,
// non-blocking opening of the same thing. Setting O_NONBLOCK on the descriptor itself would also
// set it for whoever else has it (the shell, other programs of a pipeline) and outlive us.
// `access` is O_RDONLY or O_WRONLY. Anything else (a file, a socket), or what cannot be opened
// again, is duplicated as it is. Throws Error if the descriptor is closed.
UniqueFd reopen_nonblocking(int fd, int access);

}  // namespace backplane
