// SPDX-License-Identifier: MIT
#include "backplane/compress.h"
#include "backplane/error.h"
#include "backplane/host_file.h"

namespace backplane {

namespace {

Error too_large(const std::string& path, u64 maximum_size) {
  return Error::of("{} is larger than {} bytes", path, maximum_size);
}

std::vector<u8> read_file(const std::string& path, u64 maximum_size) {
  HostFile file;
  if (const int error = file.open(path); error != 0)
    throw Error::system("cannot open " + path, error);
  if (file.kind() == HostFile::Kind::Directory)
    throw Error(path + " is a directory: expects a file");
  if (file.size() > maximum_size) throw too_large(path, maximum_size);
  // The size is only a first guess: a pipe has none, and a file may grow.
  constexpr u64 kStep = 64_KiB;
  std::vector<u8> data(file.size() != 0 ? file.size() + 1 : kStep);
  std::size_t size = 0;
  for (;;) {
    if (size > maximum_size) throw too_large(path, maximum_size);
    if (size == data.size()) data.resize(2 * size);
    const i64 count = file.read_next(data.data() + size, data.size() - size);
    if (count == 0) break;
    if (count < 0) throw Error::system("cannot read " + path, static_cast<int>(-count));
    size += static_cast<std::size_t>(count);
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
