// SPDX-License-Identifier: MIT
#include "chardev/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include "chardev/linux/nonblocking.h"
#include "chardev/linux/terminal_mode.h"

namespace backplane {

namespace {

StreamHandle reopen(int fd, int access) {
  if (fcntl(fd, F_GETFD) < 0) return {};
  return reopen_nonblocking(fd, access);
}

}  // namespace

StreamHandle standard_input() { return reopen(STDIN_FILENO, O_RDONLY); }

StreamHandle standard_output() { return reopen(STDOUT_FILENO, O_WRONLY); }

std::shared_ptr<void> raw_terminal(bool keep_signals) {
  return std::make_shared<RawTerminal>(STDIN_FILENO, keep_signals);
}

}  // namespace backplane
