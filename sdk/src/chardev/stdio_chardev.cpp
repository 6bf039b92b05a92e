// SPDX-License-Identifier: MIT
#include "chardev/stdio_chardev.h"

#include <cerrno>
#include <system_error>

#include "backplane/log.h"
#include "chardev/standard_streams.h"

namespace backplane {

namespace {

// How long the end of the program waits for a reader of our output that takes nothing.
constexpr int kPatience = 30'000;  // milliseconds

}  // namespace

StdioChardev::StdioChardev(MainLoop& loop, std::string id, bool keep_signals)
    : StreamChardev(loop, std::move(id)), raw_(raw_terminal(keep_signals)) {
  connect(standard_input(), standard_output());
}

StdioChardev::~StdioChardev() { finish_output(kPatience); }

void StdioChardev::output_failed(int error) {
  // A reader that has seen enough (`| head`) is nothing to complain about.
  if (error != EPIPE)
    log::warn("cannot write to standard output: " + std::generic_category().message(error));
}

}  // namespace backplane
