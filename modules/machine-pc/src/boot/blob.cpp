// SPDX-License-Identifier: MIT
#include "boot/blob.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "backplane/error.h"

namespace backplane::pc {

namespace {

constexpr u64 kBeginning = 64_KiB;

// What a pipe or a device gives, to its end.
std::vector<u8> read_stream(int fd, const std::string& name) {
  constexpr std::size_t kPiece = 64_KiB;
  std::vector<u8> bytes;
  for (std::size_t done = 0;;) {
    bytes.resize(done + kPiece);
    const ssize_t n = ::read(fd, bytes.data() + done, kPiece);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error::system(name, errno);
    done += static_cast<std::size_t>(n);
    bytes.resize(done);
    if (n == 0) return bytes;
  }
}

// Has the kernel map pages that are about to be filled, which costs half of what it does page by
// page. Kernels that cannot do so leave it to the filling.
void prepare_to_fill(u8* start, u64 size) {
  const auto first = reinterpret_cast<std::uintptr_t>(start) & kPageMask;
  const auto last = reinterpret_cast<std::uintptr_t>(start) + size;
  madvise(reinterpret_cast<void*>(first), last - first, MADV_POPULATE_WRITE);
}

}  // namespace

Blob::Blob(std::string name, std::vector<u8> bytes)
    : name_(std::move(name)), size_(bytes.size()), beginning_(std::move(bytes)) {}

Blob::~Blob() {
  if (fd_ >= 0) ::close(fd_);
}

BlobPtr Blob::open_file(const std::string& path, const std::string& name) {
  std::shared_ptr<Blob> blob(new Blob(name));
  blob->fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status {};
  if (blob->fd_ < 0 || ::fstat(blob->fd_, &status) != 0) throw Error::system(name, errno);
  if (S_ISDIR(status.st_mode)) throw Error::of("{}: is a directory, not an image", name);
  if (S_ISREG(status.st_mode)) {
    blob->size_ = static_cast<u64>(status.st_size);
    blob->beginning_ = blob->read(0, std::min(blob->size_, kBeginning));
  } else {
    blob->beginning_ = read_stream(blob->fd_, name);
    blob->size_ = blob->beginning_.size();
  }
  return blob;
}

void Blob::read(u64 offset, void* data, u64 size) const {
  u8* out = static_cast<u8*>(data);
  if (offset + size <= beginning_.size()) {
    if (size != 0) std::memcpy(out, beginning_.data() + offset, size);
    return;
  }
  while (size != 0) {
    const ssize_t n = ::pread(fd_, out, size, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error::system(name_, errno);
    if (n == 0) throw Error::of("{}: has become shorter than the {} bytes it had", name_, size_);
    out += n;
    offset += static_cast<u64>(n);
    size -= static_cast<u64>(n);
  }
}

std::vector<u8> Blob::read(u64 offset, u64 size) const {
  std::vector<u8> bytes(size);
  read(offset, bytes.data(), size);
  return bytes;
}

bool Blob::copy_to(AddressSpace& memory, u64 address, u64 offset, u64 size) const {
  if (size == 0) return true;
  u8* const target = memory.ram_pointer(address, size, true);
  if (target == nullptr) return false;
  prepare_to_fill(target, size);
  read(offset, target, size);
  return true;
}

}  // namespace backplane::pc
