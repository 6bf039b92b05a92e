// SPDX-License-Identifier: MIT
#include "diagnostics/log_file.h"

#include <fcntl.h>
#include <unistd.h>

namespace backplane::log {

std::FILE* open_log_file(const std::string& path) {
  // A pipe that nobody reads is an error, not to be waited for; one that is read may be slow.
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY;
  const int fd = open(path.c_str(), kFlags | O_NONBLOCK, 0666);
  if (fd < 0) return nullptr;
  fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
  std::FILE* const file = fdopen(fd, "w");
  if (file == nullptr)
    close(fd);
  else
    std::setvbuf(file, nullptr, _IOLBF, 1 << 16);
  return file;
}

}  // namespace backplane::log
