// SPDX-License-Identifier: MIT
#include "devices/temporary_file.h"

#include <stdlib.h>
#include <unistd.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane::host {

TemporaryFile::TemporaryFile() {
  // Not where memory may be what holds files: a disk may be large.
  const char* const directory = getenv("TMPDIR");
  path_ = std::string(directory != nullptr && *directory != '\0' ? directory : "/var/tmp") +
          "/backplane-XXXXXX";
  const int fd = mkstemp(path_.data());
  if (fd < 0) throw Error::system("cannot make a file for what is written: " + path_, errno);
  close(fd);
}

TemporaryFile::~TemporaryFile() { unlink(path_.c_str()); }

}  // namespace backplane::host
