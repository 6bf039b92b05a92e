// SPDX-License-Identifier: MIT
#pragma once

#include <unistd.h>

#include "file/linux/unique_fd.h"

namespace backplane {

// Puts other descriptors in the place of standard input and output for a scope.
class StandardStreams {
 public:
  StandardStreams(int input, int output) : input_(dup(STDIN_FILENO)), output_(dup(STDOUT_FILENO)) {
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
  }
  ~StandardStreams() {
    dup2(input_.get(), STDIN_FILENO);
    dup2(output_.get(), STDOUT_FILENO);
  }

 private:
  UniqueFd input_;
  UniqueFd output_;
};

// Both ends of a pipe.
struct Pipe {
  Pipe() {
    int ends[2];
    if (pipe(ends) != 0) std::abort();
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  UniqueFd reader;
  UniqueFd writer;
};

}  // namespace backplane
