// SPDX-License-Identifier: MIT
#include "chardev/file_chardev.h"

#include <system_error>

#include "backplane/log.h"
#include "chardev/open_stream.h"

namespace backplane {

namespace {

constexpr int kPatience = 30'000;  // milliseconds, for a path that names a pipe

}  // namespace

FileChardev::FileChardev(MainLoop& loop, std::string id, std::string path, bool append,
                         const std::string& input_path)
    : StreamChardev(loop, std::move(id)), path_(std::move(path)) {
  StreamHandle output = open_output_file(path_, append);
  StreamHandle input;
  if (!input_path.empty()) input = open_input_file(input_path);
  connect(std::move(input), std::move(output));
}

FileChardev::~FileChardev() { finish_output(kPatience); }

void FileChardev::output_failed(int error) {
  log::warn("cannot write to " + path_ + ": " + std::generic_category().message(error));
}

}  // namespace backplane
