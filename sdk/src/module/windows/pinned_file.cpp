// SPDX-License-Identifier: MIT
// Windows lets nobody replace a file of a program that runs, if it is in use; one that is not yet
// is loaded as it is.
#include "module/pinned_file.h"

namespace backplane {

struct PinnedFile::Impl {
  std::filesystem::path path;
};

PinnedFile::PinnedFile(const std::filesystem::path& path, HostFile)
    : impl_(new Impl{.path = path}) {}
PinnedFile::PinnedFile(PinnedFile&&) noexcept = default;
PinnedFile::~PinnedFile() = default;

std::filesystem::path PinnedFile::path_to_load() const { return impl_->path; }

}  // namespace backplane
