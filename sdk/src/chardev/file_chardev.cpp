// SPDX-License-Identifier: MIT
#include <system_error>

#include "backplane/error.h"
#include "backplane/log.h"
#include "chardev/open_stream.h"
#include "chardev/stream_chardev.h"

namespace backplane {

namespace {

constexpr int kPatience = 30'000;  // milliseconds, for a path that names a pipe

// Writes to a file; optionally reads from another.
class FileChardev final : public StreamChardev {
 public:
  static void class_init(ObjectClass& k) {
    k.property<&FileChardev::path_>("path", "the file to write to");
    k.property<&FileChardev::append_>("append", "keep what is in it");
    k.property<&FileChardev::input_path_>("input-path", "a file or pipe to read from");
  }
  ~FileChardev() override { finish_output(kPatience); }
  std::string describe() const override { return "file: " + path_; }

 private:
  void open() override {
    if (path_.empty()) throw Error("path is missing: expects the file to write to");
    StreamHandle output = open_output_file(path_, append_);
    StreamHandle input;
    if (!input_path_.empty()) input = open_input_file(input_path_);
    connect(std::move(input), std::move(output));
  }
  void output_failed(int error) override {
    log::warn("cannot write to " + path_ + ": " + std::generic_category().message(error));
  }

  std::string path_, input_path_;
  bool append_ = false;
};

BACKPLANE_TYPE(FileChardev, "chardev-file", .description = "A file that is written")

}  // namespace

}  // namespace backplane
