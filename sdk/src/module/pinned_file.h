// SPDX-License-Identifier: MIT
// A module's file as it was when it was looked at, whatever became of its name since: a package
// that is upgraded or removed takes nothing away from a program that runs.
#pragma once

#include <filesystem>
#include <memory>

#include "backplane/host_file.h"

namespace backplane {

class PinnedFile {
 public:
  // Keeps the file open that was found there.
  PinnedFile(const std::filesystem::path& path, HostFile file);
  PinnedFile(PinnedFile&& other) noexcept;
  ~PinnedFile();

  // Where to load it from: its path, or if that leads elsewhere by now, another name for the file
  // that is open. Throws Error with a hint, without the path: what the file holds was changed, or
  // it has no other name here.
  std::filesystem::path path_to_load() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace backplane
