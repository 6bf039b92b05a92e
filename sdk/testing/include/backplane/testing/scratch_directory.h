// SPDX-License-Identifier: MIT
// A directory for one test, removed with all it holds. Tests run side by side as processes of their
// own, so a name that is always the same is another test's too.
#pragma once

#include <filesystem>
#include <fstream>
#include <random>
#include <string>

namespace backplane::testing {

class ScratchDirectory {
 public:
  // `parent` is where it lies: where files are opened with direct I/O, not a tmpfs.
  explicit ScratchDirectory(
      const std::filesystem::path& parent = std::filesystem::temp_directory_path()) {
    std::random_device number;
    do {
      path_ = parent / ("backplane-test-" + std::to_string(number()));
    } while (!std::filesystem::create_directory(path_));
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::filesystem::path operator/(const std::string& name) const { return path_ / name; }

  // The file's path.
  std::filesystem::path write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path_ / name, std::ios::binary) << bytes;
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace backplane::testing
