// SPDX-License-Identifier: MIT
// Names the module whose start-up code ends the program, or keeps it.
#pragma once

#include <exception>
#include <filesystem>
#include <memory>
#include <string>

namespace backplane {

// What a crash of this thread, or time, is answered by while a file is loaded; other threads have
// the handlers that were there before. One at a time. Windows: nothing.
class CrashWatch {
 public:
  // `file`: as lines name it.
  explicit CrashWatch(const std::string& file);
  ~CrashWatch();
  CrashWatch(const CrashWatch&) = delete;
  CrashWatch& operator=(const CrashWatch&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// While it lives, std::exit and std::terminate on this thread print one line that names the file
// being loaded, and end the program with status 1; a crash prints one as well, before it ends the
// program, and so does the time when it takes long. At most one at a time: under the module
// index's lock.
class LoadWatch {
 public:
  explicit LoadWatch(const std::filesystem::path& file);
  ~LoadWatch();
  LoadWatch(const LoadWatch&) = delete;
  LoadWatch& operator=(const LoadWatch&) = delete;

 private:
  std::terminate_handler before_;
  CrashWatch crashes_;
};

}  // namespace backplane
