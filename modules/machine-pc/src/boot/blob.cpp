// SPDX-License-Identifier: MIT
#include "boot/blob.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "backplane/error.h"

namespace backplane::pc {

namespace {

constexpr u64 kBeginning = 64_KiB;

}  // namespace

Blob::Blob(std::string name, std::vector<u8> bytes)
    : name_(std::move(name)), size_(bytes.size()), beginning_(std::move(bytes)) {}

BlobPtr Blob::open_file(const std::string& path, const std::string& name, const Limit& limit) {
  std::shared_ptr<Blob> blob(new Blob(name));
  HostFile& file = blob->file_;
  if (const int error = file.open(path); error != 0) throw Error::system(name, error);
  if (file.kind() == HostFile::Kind::Directory)
    throw Error::of("{}: is a directory, not an image", name);
  int error = 0;
  if (file.kind() == HostFile::Kind::Regular) {
    blob->size_ = file.size();
    if (blob->size_ > limit.bytes)
      error = EFBIG;
    else
      blob->beginning_ = blob->read(0, std::min(blob->size_, kBeginning));
  } else {
    error = file.read_to_end(blob->beginning_, limit.bytes);
    blob->size_ = blob->beginning_.size();
    file.close();
  }
  if (error == EFBIG)
    throw Error::of("{}: has more than {} bytes, which is {}", name, limit.bytes, limit.what);
  if (error != 0) throw Error::system(name, error);
  return blob;
}

void Blob::read(u64 offset, void* data, u64 size) const {
  if (offset + size <= beginning_.size()) {
    if (size != 0) std::memcpy(data, beginning_.data() + offset, size);
    return;
  }
  const i64 count = file_.read_at(offset, data, size);
  if (count < 0) throw Error::system(name_, static_cast<int>(-count));
  if (static_cast<u64>(count) != size)
    throw Error::of("{}: has become shorter than the {} bytes it had", name_, size_);
}

std::vector<u8> Blob::read(u64 offset, u64 size) const {
  std::vector<u8> bytes(size);
  read(offset, bytes.data(), size);
  return bytes;
}

}  // namespace backplane::pc
