// SPDX-License-Identifier: MIT
#include "chardev/stdio_chardev.h"

#include <fcntl.h>

#include <cerrno>
#include <system_error>

#include "backplane/log.h"
#include "chardev/nonblocking.h"

namespace backplane {

namespace {

// How long the end of the program waits for a reader of our output that takes nothing.
constexpr int kPatience = 30'000;  // milliseconds

}  // namespace

StdioChardev::StdioChardev(MainLoop& loop, std::string id, bool keep_signals)
    : StreamChardev(loop, std::move(id)), raw_(STDIN_FILENO, keep_signals) {
  // A program may be started with either of them closed.
  UniqueFd input, output;
  if (fcntl(STDIN_FILENO, F_GETFD) >= 0) input = reopen_nonblocking(STDIN_FILENO, O_RDONLY);
  if (fcntl(STDOUT_FILENO, F_GETFD) >= 0) output = reopen_nonblocking(STDOUT_FILENO, O_WRONLY);
  connect(std::move(input), std::move(output));
}

StdioChardev::~StdioChardev() { finish_output(kPatience); }

void StdioChardev::output_failed(int error) {
  // A reader that has seen enough (`| head`) is nothing to complain about.
  if (error != EPIPE)
    log::warn("cannot write to standard output: " + std::generic_category().message(error));
}

}  // namespace backplane
