// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <sys/stat.h>

#include <cerrno>

#include "backplane/compress.h"
#include "backplane/error.h"
#include "file/unique_fd.h"

namespace backplane {

namespace {

Error too_large(const std::string& path, u64 maximum_size) {
  return Error::of("{} is larger than {} bytes", path, maximum_size);
}

std::vector<u8> read_file(const std::string& path, u64 maximum_size) {
  const UniqueFd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!fd) throw Error::system("cannot open " + path, errno);
  struct stat status {};
  if (fstat(fd.get(), &status) != 0) throw Error::system("cannot examine " + path, errno);
  if (S_ISDIR(status.st_mode)) throw Error(path + " is a directory: expects a file");
  const u64 reported = S_ISREG(status.st_mode) ? static_cast<u64>(status.st_size) : 0;
  if (reported > maximum_size) throw too_large(path, maximum_size);
  // The size is only a first guess: a pipe has none, and a file may grow.
  constexpr u64 kStep = 64_KiB;
  std::vector<u8> data(reported != 0 ? reported + 1 : kStep);
  std::size_t size = 0;
  for (;;) {
    if (size > maximum_size) throw too_large(path, maximum_size);
    if (size == data.size()) data.resize(2 * size);
    const ssize_t count = read(fd.get(), data.data() + size, data.size() - size);
    if (count == 0) break;
    if (count > 0)
      size += static_cast<std::size_t>(count);
    else if (errno != EINTR)
      throw Error::system("cannot read " + path, errno);
  }
  data.resize(size);
  return data;
}

}  // namespace

std::vector<u8> read_file_gunzipped(const std::string& path, u64 maximum_size) {
  std::vector<u8> data = read_file(path, maximum_size);
  if (!is_gzip(data)) return data;
  return gunzip(data, maximum_size, path);
}

}  // namespace backplane
