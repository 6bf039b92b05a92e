// SPDX-License-Identifier: MIT
#include "block/image_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "backplane/error.h"
#include "block/linux/image_lock.h"
#include "block/linux/vectored_io.h"
#include "file/linux/unique_fd.h"

namespace backplane {

struct ImageFile::Impl {
  explicit Impl(const ImageOptions& options) : options(options) {}

  void open();
  // Direct I/O where offset, length and memory allow it.
  int fd_for(u64 offset, std::span<const iovec> iov) const;

  const ImageOptions options;
  bool read_only = options.read_only;
  UniqueFd fd;
  UniqueFd direct_fd;  // bypasses the host's page cache, if that was asked for
  u64 size = 0;
  u64 direct_memory_alignment = 0;
  u64 direct_offset_alignment = 0;
};

namespace {

// Whether fallocate() says that this file, file system or device cannot do it.
bool unsupported(int error) {
  return error == EOPNOTSUPP || error == ENOSYS || error == ENOTTY || error == EINVAL ||
         error == EPERM || error == ENODEV;
}

// 0 or a negative errno.
int allocate(int fd, int mode, u64 offset, u64 size) {
  while (fallocate(fd, mode, static_cast<off_t>(offset), static_cast<off_t>(size)) != 0)
    if (errno != EINTR) return unsupported(errno) ? -EOPNOTSUPP : -errno;
  return 0;
}

bool is_aligned(u64 value, u64 alignment) { return value % alignment == 0; }

// Throws Error if the file is none that can be the image.
u64 size_of(int fd, const ImageOptions& options) {
  const std::string& path = options.file;
  struct stat status {};
  if (fstat(fd, &status) != 0) throw Error::system("cannot examine " + path, errno);
  if (S_ISDIR(status.st_mode))
    throw Error(path + " is a directory: expects an image file or a block device");
  if (S_ISBLK(status.st_mode)) {
    if (options.kind == ImageKind::File)
      throw Error(path + " is a block device, not a file",
                  options.cures.driver + "=host_device opens it");
    u64 size = 0;
    if (ioctl(fd, BLKGETSIZE64, &size) != 0)
      throw Error::system("cannot find the size of " + path, errno);
    return size;
  }
  if (!S_ISREG(status.st_mode))
    throw Error(path + " is neither a file nor a block device: it cannot be a disk");
  if (options.kind == ImageKind::Device)
    throw Error(path + " is a file, not a block device", options.cures.driver + "=file opens it");
  return static_cast<u64>(status.st_size);
}

}  // namespace

void ImageFile::Impl::open() {
  const std::string& path = options.file;
  // Not to wait for the other side of a named pipe; files and devices do not mind.
  constexpr int kFlags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  fd.reset(::open(path.c_str(), (read_only ? O_RDONLY : O_RDWR) | kFlags));
  if (!fd && options.auto_read_only && (errno == EACCES || errno == EROFS || errno == EPERM)) {
    read_only = true;
    fd.reset(::open(path.c_str(), O_RDONLY | kFlags));
  }
  if (fd) {
    // It was for open() alone: io_uring takes it for a promise that no transfer waits.
    fcntl(fd.get(), F_SETFL, fcntl(fd.get(), F_GETFL) & ~O_NONBLOCK);
    return;
  }
  const int error = errno;
  if (error == EISDIR)
    throw Error(path + " is a directory: expects an image file or a block device");
  const bool could_read = !read_only && (error == EACCES || error == EROFS || error == EPERM) &&
                          access(path.c_str(), R_OK) == 0;
  throw Error::system("cannot open " + path + (read_only ? "" : " for writing"), error)
      .with_hint(could_read ? options.cures.read_only + " opens it for reading" : "");
}

int ImageFile::Impl::fd_for(u64 offset, std::span<const iovec> iov) const {
  if (!direct_fd || !is_aligned(offset, direct_offset_alignment)) return fd.get();
  const bool fits = std::all_of(iov.begin(), iov.end(), [this](const iovec& piece) {
    return is_aligned(reinterpret_cast<u64>(piece.iov_base), direct_memory_alignment) &&
           is_aligned(piece.iov_len, direct_offset_alignment);
  });
  return fits ? direct_fd.get() : fd.get();
}

ImageFile::ImageFile(const ImageOptions& options) : impl_(std::make_unique<Impl>(options)) {
  impl_->open();
  impl_->size = size_of(impl_->fd.get(), options);
  if (impl_->read_only || !options.lock_later) lock();
}

ImageFile::~ImageFile() = default;

void ImageFile::unlock() {
  if (impl_->options.locking != ImageLocking::Off) unlock_image(impl_->fd.get());
}

void ImageFile::lock() {
  if (impl_->options.locking != ImageLocking::Off)
    lock_image(impl_->fd.get(), impl_->options, !impl_->read_only);
}

u64 ImageFile::size() const { return impl_->size; }

u64 ImageFile::size_now() const {
  struct stat status {};
  const bool is_file = fstat(impl_->fd.get(), &status) == 0 && S_ISREG(status.st_mode);
  return is_file ? static_cast<u64>(status.st_size) : impl_->size;
}

bool ImageFile::read_only() const { return impl_->read_only; }

void ImageFile::bypass_cache() {
  const std::string self = fmt::format("/proc/self/fd/{}", impl_->fd.get());
  const int access = impl_->read_only ? O_RDONLY : O_RDWR;
  impl_->direct_fd.reset(open(self.c_str(), access | O_DIRECT | O_CLOEXEC));
  if (!impl_->direct_fd)
    throw Error::system(fmt::format("cannot open {} without the host's cache", impl_->options.file),
                        errno)
        .with_hint(impl_->options.cures.cached + " works on every file system");
  // [statx(2) "stx_dio_mem_align"]; an older kernel leaves both zero.
  struct statx status {};
#ifdef STATX_DIOALIGN
  if (statx(impl_->fd.get(), "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 &&
      (status.stx_mask & STATX_DIOALIGN) != 0) {
    impl_->direct_memory_alignment = status.stx_dio_mem_align;
    impl_->direct_offset_alignment = status.stx_dio_offset_align;
  }
#endif
  constexpr u64 kSafe = 4096;
  if (impl_->direct_memory_alignment == 0) impl_->direct_memory_alignment = kSafe;
  if (impl_->direct_offset_alignment == 0) impl_->direct_offset_alignment = kSafe;
}

int ImageFile::descriptor(u64 offset, std::span<const iovec> iov) const {
  return impl_->fd_for(offset, iov);
}

int ImageFile::read(u64 offset, std::span<const iovec> iov) const {
  return read_fully(descriptor(offset, iov), offset, iov);
}

int ImageFile::write(u64 offset, std::span<const iovec> iov) const {
  return write_fully(descriptor(offset, iov), offset, iov);
}

int ImageFile::resize(u64 size) const {
  struct stat status {};
  if (fstat(impl_->fd.get(), &status) == 0 && S_ISBLK(status.st_mode))
    return size <= impl_->size ? 0 : -ENOSPC;
  while (ftruncate(impl_->fd.get(), static_cast<off_t>(size)) != 0)
    if (errno != EINTR) return -errno;
  return 0;
}

int ImageFile::sync() const {
  while (fdatasync(impl_->fd.get()) != 0)
    if (errno != EINTR) return -errno;
  return 0;
}

int ImageFile::find_stored(u64 offset, u64 size, u64& length, bool& stored) const {
  length = size;
  stored = true;
  const off_t data = lseek(impl_->fd.get(), static_cast<off_t>(offset), SEEK_DATA);
  if (data < 0) {
    stored = errno != ENXIO;  // nothing follows
    return 0;
  }
  if (static_cast<u64>(data) > offset) {
    stored = false;
    length = std::min(size, static_cast<u64>(data) - offset);
    return 0;
  }
  const off_t hole = lseek(impl_->fd.get(), static_cast<off_t>(offset), SEEK_HOLE);
  if (hole > data) length = std::min(size, static_cast<u64>(hole - data));
  return 0;
}

int ImageFile::punch_hole(u64 offset, u64 size) const {
  return allocate(impl_->fd.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
}

int ImageFile::zero_range(u64 offset, u64 size) const {
  return allocate(impl_->fd.get(), FALLOC_FL_ZERO_RANGE, offset, size);
}

}  // namespace backplane
