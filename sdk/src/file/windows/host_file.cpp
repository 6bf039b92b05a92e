// SPDX-License-Identifier: MIT
#include "backplane/host_file.h"

#include <windows.h>

#include <algorithm>
#include <cerrno>

#include "diagnostics/windows/last_error.h"

namespace backplane {

namespace {

constexpr unsigned kModeOfFile = 0644;

HANDLE as_handle(std::intptr_t value) { return reinterpret_cast<HANDLE>(value); }

DWORD at_once(u64 size) { return static_cast<DWORD>(std::min<u64>(size, 1_GiB)); }

}  // namespace

int HostFile::open(const std::filesystem::path& path, OnPipe) {
  close();
  // Backup semantics are what lets a directory be opened, so that it can be told from a file.
  const HANDLE file = CreateFileW(
      path.c_str(), GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
      OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL | FILE_FLAG_BACKUP_SEMANTICS, nullptr);
  if (file == INVALID_HANDLE_VALUE) return last_errno();
  handle_ = reinterpret_cast<std::intptr_t>(file);
  kind_ = Kind::Other;
  size_ = 0;
  mode_ = kModeOfFile;
  if (GetFileType(file) != FILE_TYPE_DISK) return 0;
  BY_HANDLE_FILE_INFORMATION info;
  if (!GetFileInformationByHandle(file, &info)) return last_errno();
  const bool is_directory = (info.dwFileAttributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
  kind_ = is_directory ? Kind::Directory : Kind::Regular;
  if (!is_directory) size_ = u64{info.nFileSizeHigh} << 32 | info.nFileSizeLow;
  return 0;
}

void HostFile::close() {
  if (handle_ != kNone) CloseHandle(as_handle(std::exchange(handle_, kNone)));
}

i64 HostFile::read_at(u64 offset, void* data, u64 size) const {
  u8* to = static_cast<u8*>(data);
  u64 done = 0;
  while (done != size) {
    OVERLAPPED where{};
    where.Offset = static_cast<DWORD>(offset + done);
    where.OffsetHigh = static_cast<DWORD>((offset + done) >> 32);
    DWORD count = 0;
    if (!ReadFile(as_handle(handle_), to + done, at_once(size - done), &count, &where)) {
      if (GetLastError() == ERROR_HANDLE_EOF) break;
      return -last_errno();
    }
    if (count == 0) break;
    done += count;
  }
  return static_cast<i64>(done);
}

i64 HostFile::read_next(void* data, u64 size) const {
  DWORD count = 0;
  if (ReadFile(as_handle(handle_), data, at_once(size), &count, nullptr)) return count;
  const DWORD error = GetLastError();
  return error == ERROR_BROKEN_PIPE || error == ERROR_HANDLE_EOF ? 0 : -errno_of(error);
}

}  // namespace backplane
