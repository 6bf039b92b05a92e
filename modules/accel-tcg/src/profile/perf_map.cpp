// SPDX-License-Identifier: MIT
#include "profile/perf_map.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane::tcg {

PerfMap::PerfMap() {
  const std::string path = fmt::format("/tmp/perf-{}.map", getpid());
  // Everybody may write to that directory: what somebody else has put there is not followed.
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) throw Error::system(fmt::format("cannot make {}", path), errno);
  file_.reset(fdopen(fd, "w"));
}

void PerfMap::code_made(std::span<const u8> code, const std::string& name) {
  fmt::print(file_.get(), "{:x} {:x} {}\n", reinterpret_cast<u64>(code.data()), code.size(), name);
  // It is read while this program runs, and when it was killed.
  std::fflush(file_.get());
}

}  // namespace backplane::tcg
