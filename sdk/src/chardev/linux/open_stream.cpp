// SPDX-License-Identifier: MIT
#include "chardev/open_stream.h"

#include <fcntl.h>

#include <cerrno>

#include "backplane/descriptors.h"
#include "backplane/error.h"

namespace backplane {

StreamHandle open_output_file(const std::string& path, bool append) {
  // Not to wait for a pipe's reader.
  constexpr int kFlags = O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  if (UniqueFd handed(descriptors::open_of_set(path, true)); handed) return handed;
  UniqueFd output(open(path.c_str(), kFlags | (append ? O_APPEND : O_TRUNC), 0666));
  if (!output && errno == ENXIO)
    throw Error::of("{} is a pipe or a device that nobody is at the other end of", path)
        .with_hint("start what reads it first, or use pipe:, which needs no reader");
  if (!output) throw Error::system("cannot open " + path + " for writing", errno);
  return output;
}

StreamHandle open_input_file(const std::string& path) {
  if (UniqueFd handed(descriptors::open_of_set(path, false)); handed) return handed;
  UniqueFd input(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
  if (!input) throw Error::system("cannot open " + path, errno);
  return input;
}

}  // namespace backplane
