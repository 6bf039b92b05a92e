// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace backplane::host {

// An empty file whose name is gone with this; who has it open keeps it.
class TemporaryFile {
 public:
  // Throws Error.
  TemporaryFile();
  ~TemporaryFile();
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace backplane::host
