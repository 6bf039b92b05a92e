// SPDX-License-Identifier: MIT
#include "overlay.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>

#include "backplane/error.h"
#include "new_image.h"

namespace backplane::nbd {

namespace {

// A file of that name while this is there.
class TemporaryFile {
 public:
  TemporaryFile() {
    // Not where memory may be what holds files: a disk may be large.
    const char* const directory = getenv("TMPDIR");
    path_ = std::string(directory != nullptr && *directory != '\0' ? directory : "/var/tmp") +
            "/backplane-nbd-XXXXXX";
    const int fd = mkstemp(path_.data());
    if (fd < 0) throw Error::system("cannot make " + path_, errno);
    close(fd);
  }
  ~TemporaryFile() { unlink(path_.c_str()); }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

Opened open_overlay(img::Images& images, const std::string& path, const img::Opening& how) {
  img::Opening for_reading = how;
  for_reading.for_writing = false;
  auto below = images.open(path, for_reading);
  std::optional<u64> size = below->node().size();
  img::Wanted wanted{.format = "qcow2", .keys = {}, .backing = {}, .backing_format = {}};
  const TemporaryFile file;
  img::make(images, *img::prepare(wanted, size), wanted, file.path(), *size);
  img::Opening overlay = how;
  overlay.format = wanted.format;
  overlay.shared = false;
  overlay.cache = "unsafe";
  overlay.more.emplace_back("backing", below->node().id());
  auto image = images.open(file.path(), overlay);
  return {.below = std::move(below), .image = std::move(image)};
}

}  // namespace backplane::nbd
