// SPDX-License-Identifier: MIT
#include "module/pinned_file.h"

#include <sys/stat.h>
#include <unistd.h>

#include <utility>

#include "backplane/error.h"

namespace backplane {

namespace {

Error older_than_modules(const char* what) {
  return Error::of("{} since this program started, which is older than its modules now", what)
      .with_hint("start it again to use the new ones");
}

bool is_same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

// Not written into.
bool is_unchanged(const struct stat& a, const struct stat& b) {
  return a.st_size == b.st_size && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec;
}

}  // namespace

struct PinnedFile::Impl {
  std::filesystem::path path;
  HostFile file;
  struct stat then {};

  int descriptor() const { return static_cast<int>(file.handle()); }
};

PinnedFile::PinnedFile(const std::filesystem::path& path, HostFile file)
    : impl_(new Impl{.path = path, .file = std::move(file)}) {
  fstat(impl_->descriptor(), &impl_->then);
}

PinnedFile::PinnedFile(PinnedFile&&) noexcept = default;
PinnedFile::~PinnedFile() = default;

std::filesystem::path PinnedFile::path_to_load() const {
  struct stat now;
  if (fstat(impl_->descriptor(), &now) != 0) return impl_->path;
  if (!is_unchanged(now, impl_->then)) throw older_than_modules("was written to");
  struct stat there;
  if (stat(impl_->path.c_str(), &there) == 0 && is_same_file(there, now)) return impl_->path;
  std::filesystem::path other = fmt::format("/proc/self/fd/{}", impl_->descriptor());
  if (access(other.c_str(), R_OK) != 0) throw older_than_modules("was replaced or removed");
  return other;
}

}  // namespace backplane
