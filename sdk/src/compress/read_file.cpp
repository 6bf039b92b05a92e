// SPDX-License-Identifier: MIT
#include <cerrno>

#include "backplane/compress.h"
#include "backplane/error.h"
#include "backplane/host_file.h"

namespace backplane {

namespace {

std::vector<u8> read_file(const std::string& path, u64 maximum_size) {
  HostFile file;
  if (const int error = file.open(path); error != 0)
    throw Error::system("cannot open " + path, error);
  if (file.kind() == HostFile::Kind::Directory)
    throw Error(path + " is a directory: expects a file");
  std::vector<u8> data;
  const int error = file.read_to_end(data, maximum_size);
  if (error == EFBIG) throw Error::of("{} is larger than {} bytes", path, maximum_size);
  if (error != 0) throw Error::system("cannot read " + path, error);
  return data;
}

}  // namespace

std::vector<u8> read_file_gunzipped(const std::string& path, u64 maximum_size) {
  std::vector<u8> data = read_file(path, maximum_size);
  if (!is_gzip(data)) return data;
  return gunzip(data, maximum_size, path);
}

}  // namespace backplane
