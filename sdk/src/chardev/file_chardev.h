// SPDX-License-Identifier: MIT
#pragma once

#include "chardev/stream_chardev.h"

namespace backplane {

// Writes to a file; optionally reads from another.
class FileChardev final : public StreamChardev {
 public:
  // Creates the file, empties it unless `append`. `input_path` may be empty. Throws Error.
  FileChardev(MainLoop& loop, std::string id, std::string path, bool append,
              const std::string& input_path);
  ~FileChardev() override;
  std::string describe() const override { return "file: " + path_; }

 private:
  void output_failed(int error) override;

  std::string path_;
};

}  // namespace backplane
