// SPDX-License-Identifier: MIT
#include "chardev/linux/nonblocking.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane {

UniqueFd reopen_nonblocking(int fd, int access) {
  struct stat status {};
  if (fstat(fd, &status) != 0)
    throw Error::system(fmt::format("file descriptor {} is not usable", fd), errno);
  if (S_ISFIFO(status.st_mode) || isatty(fd)) {
    const std::string path = fmt::format("/proc/self/fd/{}", fd);
    UniqueFd own(open(path.c_str(), access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
    if (own) return own;
  }
  UniqueFd duplicate(fcntl(fd, F_DUPFD_CLOEXEC, 3));
  if (!duplicate)
    throw Error::system(fmt::format("cannot duplicate file descriptor {}", fd), errno);
  return duplicate;
}

}  // namespace backplane
