// SPDX-License-Identifier: MIT
#include "block/raw_image.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <string_view>

#include "backplane/error.h"
#include "backplane/log.h"
#include "block/image_lock.h"
#include "block/vectored_io.h"

namespace backplane {

namespace {

constexpr u64 kSectorSize = 512;

// Whether fallocate() says that this file, file system or device cannot do it.
bool unsupported(int error) {
  return error == EOPNOTSUPP || error == ENOSYS || error == ENOTTY || error == EINVAL ||
         error == EPERM || error == ENODEV;
}

// 0, or an errno.
int allocate(int fd, int mode, u64 offset, u64 size) {
  while (fallocate(fd, mode, static_cast<off_t>(offset), static_cast<off_t>(size)) != 0)
    if (errno != EINTR) return errno;
  return 0;
}

bool is_aligned(u64 value, u64 alignment) { return value % alignment == 0; }

std::string readable_size(u64 bytes) {
  for (const auto& [unit, name] : {std::pair{1_GiB, "GiB"}, {1_MiB, "MiB"}, {1_KiB, "KiB"}})
    if (bytes >= unit && bytes % unit == 0) return fmt::format("{} {}", bytes / unit, name);
  return fmt::format("{} bytes", bytes);
}

u64 size_of(int fd, const std::string& path) {
  struct stat status {};
  if (fstat(fd, &status) != 0) throw Error::system("cannot examine " + path, errno);
  if (S_ISDIR(status.st_mode))
    throw Error(path + " is a directory: expects an image file or a block device");
  if (S_ISBLK(status.st_mode)) {
    u64 size = 0;
    if (ioctl(fd, BLKGETSIZE64, &size) != 0)
      throw Error::system("cannot find the size of " + path, errno);
    return size;
  }
  if (!S_ISREG(status.st_mode))
    throw Error(path + " is neither a file nor a block device: it cannot be a disk");
  return static_cast<u64>(status.st_size);
}

// The most common mistake that raw images cannot tell by themselves.
void warn_about_other_formats(int fd, const std::string& path) {
  std::array<char, 4> start{};
  if (pread(fd, start.data(), start.size(), 0) != static_cast<ssize_t>(start.size())) return;
  const std::string_view magic(start.data(), start.size());
  if (magic == "QFI\xfb" || magic == "KDMV" || magic == "conn")
    log::warn(path +
              " looks like an image of another format, but is used as raw: the guest sees "
              "the file as it is (qemu-img convert -O raw makes a raw image of it)");
}

}  // namespace

RawImage::RawImage(const BlockOptions& options)
    : path_(options.file),
      cache_(options.cache),
      pass_discards_(options.discard),
      detect_zeroes_(options.detect_zeroes) {
  const bool direct = cache_ == "none" || cache_ == "directsync";
  write_through_ = cache_ == "writethrough" || cache_ == "directsync";
  ignore_flush_ = cache_ == "unsafe";
  if (!direct && !write_through_ && !ignore_flush_ && cache_ != "writeback")
    throw Error::of(
        "cache={} is no cache mode: expects writeback, none, writethrough, directsync or unsafe",
        cache_);
  open_file(options);
  size_ = size_of(fd_.get(), path_);
  if (!is_aligned(size_, kSectorSize))
    throw Error(fmt::format("{} has {} bytes: expects a multiple of {}", path_, size_, kSectorSize),
                fmt::format("truncate -s %{} {} makes it one", kSectorSize, path_));
  if (options.locking) lock_image(fd_.get(), path_, !read_only_);
  if (direct) open_direct();
  warn_about_other_formats(fd_.get(), path_);
}

void RawImage::open_file(const BlockOptions& options) {
  if (path_.empty()) throw Error("file is missing: expects the path of an image");
  read_only_ = options.read_only;
  // Not to wait for the other side of a named pipe; files and devices do not mind.
  constexpr int kFlags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
  fd_.reset(open(path_.c_str(), (read_only_ ? O_RDONLY : O_RDWR) | kFlags));
  if (!fd_ && options.auto_read_only && (errno == EACCES || errno == EROFS || errno == EPERM)) {
    read_only_ = true;
    fd_.reset(open(path_.c_str(), O_RDONLY | kFlags));
  }
  if (fd_) return;
  const int error = errno;
  if (error == EISDIR)
    throw Error(path_ + " is a directory: expects an image file or a block device");
  const bool could_read = !read_only_ && (error == EACCES || error == EROFS || error == EPERM) &&
                          access(path_.c_str(), R_OK) == 0;
  throw Error::system("cannot open " + path_ + (read_only_ ? "" : " for writing"), error)
      .with_hint(could_read ? "read-only=on opens it for reading" : "");
}

void RawImage::open_direct() {
  const std::string self = fmt::format("/proc/self/fd/{}", fd_.get());
  direct_fd_.reset(
      open(self.c_str(), (read_only_ ? O_RDONLY : O_RDWR) | O_DIRECT | O_CLOEXEC | O_NONBLOCK));
  if (!direct_fd_)
    throw Error::system(
        fmt::format("cannot open {} without the host's cache (cache={})", path_, cache_), errno)
        .with_hint("cache=writeback works on every file system");
  // [statx(2) "stx_dio_mem_align"]; an older kernel leaves both zero.
  struct statx status {};
#ifdef STATX_DIOALIGN
  if (statx(fd_.get(), "", AT_EMPTY_PATH, STATX_DIOALIGN, &status) == 0 &&
      (status.stx_mask & STATX_DIOALIGN) != 0) {
    direct_memory_alignment_ = status.stx_dio_mem_align;
    direct_offset_alignment_ = status.stx_dio_offset_align;
  }
#endif
  constexpr u64 kSafe = 4096;
  if (direct_memory_alignment_ == 0) direct_memory_alignment_ = kSafe;
  if (direct_offset_alignment_ == 0) direct_offset_alignment_ = kSafe;
}

std::string RawImage::describe() const {
  return fmt::format("{}, raw, {}, {}, cache={}", path_, readable_size(size_),
                     read_only_ ? "read-only" : "read-write", cache_);
}

int RawImage::fd_for(u64 offset, const std::vector<iovec>& iov) const {
  if (!direct_fd_ || !is_aligned(offset, direct_offset_alignment_)) return fd_.get();
  const bool fits = std::all_of(iov.begin(), iov.end(), [this](const iovec& piece) {
    return is_aligned(reinterpret_cast<u64>(piece.iov_base), direct_memory_alignment_) &&
           is_aligned(piece.iov_len, direct_offset_alignment_);
  });
  return fits ? direct_fd_.get() : fd_.get();
}

int RawImage::end_of_write(int result) { return result == 0 && write_through_ ? flush() : result; }

int RawImage::read(u64 offset, const std::vector<iovec>& iov) {
  return read_fully(fd_for(offset, iov), offset, iov);
}

int RawImage::write_data(u64 offset, const std::vector<iovec>& iov) {
  return write_fully(fd_for(offset, iov), offset, iov);
}

int RawImage::write(u64 offset, const std::vector<iovec>& iov) {
  if (detect_zeroes_ && all_zero(iov)) {
    u64 size = 0;
    total_size(iov, size);
    return write_zeroes(offset, size, pass_discards_);
  }
  return end_of_write(write_data(offset, iov));
}

int RawImage::flush() {
  if (ignore_flush_) return 0;
  if (lost_data_.load(std::memory_order_relaxed)) return -EIO;
  while (fdatasync(fd_.get()) != 0) {
    if (errno == EINTR) continue;
    const int error = errno;
    if (!read_only_) lost_data_.store(true, std::memory_order_relaxed);
    return -error;
  }
  return 0;
}

int RawImage::discard(u64 offset, u64 size) {
  if (!pass_discards_ || size == 0) return 0;
  const int error = allocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
  if (error != 0 && !unsupported(error)) return -error;
  return end_of_write(0);
}

int RawImage::write_zeroes(u64 offset, u64 size, bool may_unmap) {
  if (size == 0) return 0;
  int error = EOPNOTSUPP;
  if (may_unmap && pass_discards_)
    error = allocate(fd_.get(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
  if (unsupported(error)) error = allocate(fd_.get(), FALLOC_FL_ZERO_RANGE, offset, size);
  if (unsupported(error)) return end_of_write(write_zero_data(offset, size));
  return end_of_write(-error);
}

int RawImage::write_zero_data(u64 offset, u64 size) {
  // pwritev() only reads from it.
  alignas(4096) static u8 zeroes[64_KiB];
  constexpr u64 kStep = 4_MiB;
  while (size != 0) {
    const u64 step = std::min(size, kStep);
    std::vector<iovec> iov;
    for (u64 done = 0; done < step; done += sizeof zeroes)
      iov.push_back({zeroes, std::min<u64>(step - done, sizeof zeroes)});
    if (const int result = write_data(offset, iov); result != 0) return result;
    offset += step;
    size -= step;
  }
  return 0;
}

}  // namespace backplane
