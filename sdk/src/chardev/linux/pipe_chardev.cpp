// SPDX-License-Identifier: MIT
#include "chardev/linux/pipe_chardev.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane {

namespace {

constexpr int kPatience = 1'000;  // milliseconds; there may be no reader at all

// Opened for both directions, a pipe neither waits for the other side nor ends when it leaves.
UniqueFd open_pipe(const std::string& path, const std::string& hint) {
  UniqueFd fd(open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) throw Error::system("cannot open " + path, errno).with_hint(hint);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0 || !S_ISFIFO(status.st_mode))
    throw Error(path + " is not a named pipe", hint);
  return fd;
}

}  // namespace

PipeChardev::PipeChardev(MainLoop& loop, std::string id, std::string path)
    : StreamChardev(loop, std::move(id)), path_(std::move(path)) {
  const std::string hint = fmt::format("mkfifo {0}.in {0}.out makes the two pipes", shown(path_));
  UniqueFd input = open_pipe(path_ + ".in", hint);
  connect(std::move(input), open_pipe(path_ + ".out", hint));
}

PipeChardev::~PipeChardev() { finish_output(kPatience); }

}  // namespace backplane
