// SPDX-License-Identifier: MIT
// Names the module whose start-up code ends the program.
#pragma once

#include <exception>
#include <filesystem>

namespace backplane {

// While it lives, std::exit and std::terminate on this thread print one line that names the file
// being loaded, and end the program with status 1. At most one at a time: under the module index's
// lock.
class LoadWatch {
 public:
  explicit LoadWatch(const std::filesystem::path& file);
  ~LoadWatch();
  LoadWatch(const LoadWatch&) = delete;
  LoadWatch& operator=(const LoadWatch&) = delete;

 private:
  std::terminate_handler before_;
};

}  // namespace backplane
