// SPDX-License-Identifier: MIT
#include "block/image_file.h"

#include <windows.h>
#include <winioctl.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "backplane/error.h"
#include "block/image_in_use.h"
#include "diagnostics/windows/last_error.h"

namespace backplane {

struct ImageFile::Impl {
  explicit Impl(const ImageOptions& options) : cures(options.cures) {}
  ~Impl() {
    if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
  }

  const ImageCures cures;
  HANDLE file = INVALID_HANDLE_VALUE;
  u64 size = 0;
  bool read_only = false;
  bool sparse = false;
};

namespace {

// Sharing is the lock: Windows keeps to it for every program.
DWORD sharing(const ImageOptions& options, bool read_only) {
  if (options.locking == ImageLocking::Off) return FILE_SHARE_READ | FILE_SHARE_WRITE;
  return read_only ? FILE_SHARE_READ : 0;
}

HANDLE open_file(const ImageOptions& options, bool read_only) {
  return CreateFileW(std::filesystem::path(options.file).c_str(),
                     read_only ? GENERIC_READ : GENERIC_READ | GENERIC_WRITE,
                     sharing(options, read_only), nullptr, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL,
                     nullptr);
}

bool is_refusal(DWORD error) {
  return error == ERROR_ACCESS_DENIED || error == ERROR_WRITE_PROTECT;
}

// One that only reads shares it with others that do.
ImageUser user_of(const std::string& path) {
  const HANDLE file = CreateFileW(std::filesystem::path(path).c_str(), GENERIC_READ,
                                  FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING,
                                  FILE_ATTRIBUTE_NORMAL, nullptr);
  if (file == INVALID_HANDLE_VALUE) return ImageUser::Exclusive;
  CloseHandle(file);
  return ImageUser::Reader;
}

[[noreturn]] void cannot_open(const ImageOptions& options, bool for_writing, DWORD error) {
  const std::string& path = options.file;
  std::error_code ignored;
  if (std::filesystem::is_directory(path, ignored))
    throw Error(path + " is a directory: expects an image file");
  if (error == ERROR_SHARING_VIOLATION) {
    // The other one's sharing counts, whatever ours is.
    ImageOptions refused = options;
    refused.cures.unlocked.clear();
    throw image_in_use(refused, for_writing, user_of(path));
  }
  throw Error::system("cannot open " + path + (for_writing ? " for writing" : ""), errno_of(error))
      .with_hint(for_writing && is_refusal(error)
                     ? options.cures.read_only + " opens it for reading"
                     : "");
}

// Calls transfer(bytes of one call, where in the file) until everything has moved.
template <class Transfer>
int transfer_fully(u64 offset, std::span<const iovec> iov, Transfer transfer) {
  for (const iovec& piece : iov) {
    u8* at = static_cast<u8*>(piece.iov_base);
    for (u64 left = piece.iov_len; left != 0;) {
      OVERLAPPED where{};
      where.Offset = static_cast<DWORD>(offset);
      where.OffsetHigh = static_cast<DWORD>(offset >> 32);
      DWORD moved = 0;
      if (!transfer(at, static_cast<DWORD>(std::min<u64>(left, 1_GiB)), &moved, &where))
        return GetLastError() == ERROR_HANDLE_EOF ? -EIO : -last_errno();
      if (moved == 0) return -EIO;
      at += moved;
      offset += moved;
      left -= moved;
    }
  }
  return 0;
}

}  // namespace

ImageFile::ImageFile(const ImageOptions& options) : impl_(std::make_unique<Impl>(options)) {
  const std::string& path = options.file;
  if (options.kind == ImageKind::Device)
    throw Error(options.cures.driver + "=host_device is not there on Windows",
                options.cures.driver + "=file opens an image");
  impl_->read_only = options.read_only;
  impl_->file = open_file(options, impl_->read_only);
  if (impl_->file == INVALID_HANDLE_VALUE && options.auto_read_only && is_refusal(GetLastError())) {
    impl_->read_only = true;
    impl_->file = open_file(options, true);
  }
  if (impl_->file == INVALID_HANDLE_VALUE) cannot_open(options, !impl_->read_only, GetLastError());
  BY_HANDLE_FILE_INFORMATION info;
  if (GetFileType(impl_->file) != FILE_TYPE_DISK || !GetFileInformationByHandle(impl_->file, &info))
    throw Error(path + " is not a file: it cannot be a disk");
  impl_->size = u64{info.nFileSizeHigh} << 32 | info.nFileSizeLow;
  impl_->sparse = (info.dwFileAttributes & FILE_ATTRIBUTE_SPARSE_FILE) != 0;
}

ImageFile::~ImageFile() = default;

void ImageFile::unlock() {}

void ImageFile::lock() {}

u64 ImageFile::size() const { return impl_->size; }

u64 ImageFile::size_now() const {
  LARGE_INTEGER size;
  return GetFileSizeEx(impl_->file, &size) ? static_cast<u64>(size.QuadPart) : impl_->size;
}

bool ImageFile::read_only() const { return impl_->read_only; }

void ImageFile::bypass_cache() {
  throw Error("the host's cache cannot be bypassed on Windows",
              impl_->cures.cached + " does without that");
}

int ImageFile::descriptor(u64 /*offset*/, std::span<const iovec> /*iov*/) const { return -1; }

int ImageFile::read(u64 offset, std::span<const iovec> iov) const {
  return transfer_fully(offset, iov, [this](u8* data, DWORD size, DWORD* moved, OVERLAPPED* where) {
    return ReadFile(impl_->file, data, size, moved, where);
  });
}

int ImageFile::write(u64 offset, std::span<const iovec> iov) const {
  return transfer_fully(offset, iov, [this](u8* data, DWORD size, DWORD* moved, OVERLAPPED* where) {
    return WriteFile(impl_->file, data, size, moved, where);
  });
}

int ImageFile::resize(u64 size) const {
  FILE_END_OF_FILE_INFO end{};
  end.EndOfFile.QuadPart = static_cast<LONGLONG>(size);
  return SetFileInformationByHandle(impl_->file, FileEndOfFileInfo, &end, sizeof end)
             ? 0
             : -last_errno();
}

int ImageFile::sync() const { return FlushFileBuffers(impl_->file) ? 0 : -last_errno(); }

int ImageFile::find_stored(u64 offset, u64 size, u64& length, bool& stored) const {
  length = size;
  stored = true;
  FILE_ALLOCATED_RANGE_BUFFER asked{}, found{};
  asked.FileOffset.QuadPart = static_cast<LONGLONG>(offset);
  asked.Length.QuadPart = static_cast<LONGLONG>(size);
  DWORD got = 0;
  const bool all = DeviceIoControl(impl_->file, FSCTL_QUERY_ALLOCATED_RANGES, &asked, sizeof asked,
                                   &found, sizeof found, &got, nullptr);
  if (!all && GetLastError() != ERROR_MORE_DATA) return 0;
  const u64 first = got == 0 ? offset + size : static_cast<u64>(found.FileOffset.QuadPart);
  stored = first <= offset;
  length = std::min(size, stored ? static_cast<u64>(found.Length.QuadPart) : first - offset);
  return 0;
}

// A file that is not sparse would have the zeroes written.
int ImageFile::punch_hole(u64 offset, u64 size) const {
  return impl_->sparse ? zero_range(offset, size) : -EOPNOTSUPP;
}

int ImageFile::zero_range(u64 offset, u64 size) const {
  FILE_ZERO_DATA_INFORMATION range{};
  range.FileOffset.QuadPart = static_cast<LONGLONG>(offset);
  range.BeyondFinalZero.QuadPart = static_cast<LONGLONG>(offset + size);
  DWORD none = 0;
  if (DeviceIoControl(impl_->file, FSCTL_SET_ZERO_DATA, &range, sizeof range, nullptr, 0, &none,
                      nullptr))
    return 0;
  return GetLastError() == ERROR_INVALID_PARAMETER ? -EOPNOTSUPP : -last_errno();
}

}  // namespace backplane
