// SPDX-License-Identifier: MIT
#include "module/image_bytes.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <utility>

namespace backplane {

void ImageBytes::read(u64 offset, void* out, std::size_t length, std::string_view what) const {
  if (!contains(offset, length))
    throw Error::of("truncated or damaged: {} is at bytes {} to {} of a file of {} bytes", what,
                    offset, offset + std::min<u64>(length, ~offset), size_);
  copy(offset, out, length);
}

std::string ImageBytes::read_text(u64 offset, std::size_t length, std::string_view what) const {
  if (!contains(offset, length)) read(offset, nullptr, length, what);
  std::string text(length, '\0');
  copy(offset, text.data(), length);
  return text;
}

std::string ImageBytes::read_string(u64 offset, u64 end, std::string_view what) const {
  constexpr std::size_t kStep = 256;
  std::string text;
  end = std::min(end, size_);
  while (offset < end) {
    std::array<char, kStep> piece;
    const auto length = static_cast<std::size_t>(std::min<u64>(kStep, end - offset));
    copy(offset, piece.data(), length);
    const auto nul = std::find(piece.begin(), piece.begin() + length, '\0');
    text.append(piece.begin(), nul);
    if (nul != piece.begin() + length) return text;
    offset += length;
  }
  throw Error::of("damaged: {} does not end", what);
}

FileImage FileImage::open(const std::filesystem::path& path) {
  // Not to be held up by a FIFO that carries a module's name.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0 && errno == EACCES)
    throw Error::system("cannot be read", errno).with_hint("chmod a+r " + path.string());
  if (fd < 0)
    throw Error::system("cannot be read", errno).with_hint("reinstall the module's package");
  FileImage image(fd, 0, 0);
  struct stat status;
  if (fstat(fd, &status) != 0) throw Error::system("cannot be read", errno);
  if (!S_ISREG(status.st_mode))
    throw Error("is not a regular file").with_hint("remove it from the module directory");
  return FileImage(std::exchange(image.fd_, -1), static_cast<u64>(status.st_size),
                   status.st_mode & 07777U);
}

FileImage::FileImage(FileImage&& other) noexcept
    : ImageBytes(other.size()), fd_(std::exchange(other.fd_, -1)), mode_(other.mode_) {}

FileImage::~FileImage() {
  if (fd_ >= 0) close(fd_);
}

void FileImage::copy(u64 offset, void* out, std::size_t length) const {
  auto* to = static_cast<char*>(out);
  while (length != 0) {
    const ssize_t got = pread(fd_, to, length, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Error::system("cannot be read", errno);
    if (got == 0) throw Error("truncated while it was read");
    to += got;
    offset += static_cast<u64>(got);
    length -= static_cast<std::size_t>(got);
  }
}

}  // namespace backplane
