// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "backplane/error.h"
#include "chardev/stream_chardev.h"

namespace backplane {

namespace {

constexpr int kPatience = 1'000;  // milliseconds; there may be no reader at all

// Opened for both directions, a pipe neither waits for the other side nor ends when it leaves.
UniqueFd open_pipe(const std::string& path, const std::string& hint) {
  UniqueFd fd(::open(path.c_str(), O_RDWR | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd) throw Error::system("cannot open " + path, errno).with_hint(hint);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0 || !S_ISFIFO(status.st_mode))
    throw Error(path + " is not a named pipe", hint);
  return fd;
}

// Two named pipes: reads from PATH.in, writes to PATH.out. Programs at the other ends may come and
// go; what is written waits for a reader.
class PipeChardev final : public StreamChardev {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&PipeChardev::path_>("path", "the pipes' name without .in and .out");
  }
  ~PipeChardev() override { finish_output(kPatience); }
  std::string describe() const override { return "pipe: " + path_; }

 private:
  void open() override {
    if (path_.empty()) throw Error("path is missing: expects the pipes' name without .in and .out");
    const std::string hint = fmt::format("mkfifo {0}.in {0}.out makes the two pipes", shown(path_));
    UniqueFd input = open_pipe(path_ + ".in", hint);
    connect(std::move(input), open_pipe(path_ + ".out", hint));
  }

  std::string path_;
};

BACKPLANE_TYPE(PipeChardev, "chardev-pipe", .description = "Two named pipes")

}  // namespace

}  // namespace backplane
