// SPDX-License-Identifier: MIT
#include "chardev/file_chardev.h"

#include <fcntl.h>

#include <cerrno>
#include <system_error>

#include "backplane/error.h"
#include "backplane/log.h"

namespace backplane {

namespace {

constexpr int kPatience = 30'000;  // milliseconds, for a path that names a pipe

}  // namespace

FileChardev::FileChardev(MainLoop& loop, std::string id, std::string path, bool append,
                         const std::string& input_path)
    : StreamChardev(loop, std::move(id)), path_(std::move(path)) {
  UniqueFd output(open(path_.c_str(),
                       O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | (append ? O_APPEND : O_TRUNC),
                       0666));
  if (!output) throw Error::system("cannot open " + path_ + " for writing", errno);
  UniqueFd input;
  if (!input_path.empty()) {
    input.reset(open(input_path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!input) throw Error::system("cannot open " + input_path, errno);
  }
  connect(std::move(input), std::move(output));
}

FileChardev::~FileChardev() { finish_output(kPatience); }

void FileChardev::output_failed(int error) {
  log::warn("cannot write to " + path_ + ": " + std::generic_category().message(error));
}

}  // namespace backplane
