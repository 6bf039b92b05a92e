// SPDX-License-Identifier: MIT
#include "backplane/host_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace backplane {

namespace {

HostFile::Kind kind_of(mode_t mode) {
  if (S_ISREG(mode)) return HostFile::Kind::Regular;
  return S_ISDIR(mode) ? HostFile::Kind::Directory : HostFile::Kind::Other;
}

}  // namespace

int HostFile::open(const std::filesystem::path& path, OnPipe on_pipe) {
  close();
  const int waiting = on_pipe == OnPipe::Proceed ? O_NONBLOCK : 0;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | waiting);
  if (fd < 0) return errno;
  handle_ = fd;
  struct stat status {};
  if (fstat(fd, &status) != 0) return errno;
  kind_ = kind_of(status.st_mode);
  size_ = kind_ == Kind::Regular ? static_cast<u64>(status.st_size) : 0;
  mode_ = status.st_mode & 07777U;
  return 0;
}

void HostFile::close() {
  if (handle_ != kNone) ::close(static_cast<int>(std::exchange(handle_, kNone)));
}

i64 HostFile::read_at(u64 offset, void* data, u64 size) const {
  u8* to = static_cast<u8*>(data);
  u64 done = 0;
  while (done != size) {
    const ssize_t count =
        pread(static_cast<int>(handle_), to + done, size - done, static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -errno;
    if (count == 0) break;
    done += static_cast<u64>(count);
  }
  return static_cast<i64>(done);
}

i64 HostFile::read_next(void* data, u64 size) const {
  ssize_t count;
  do count = ::read(static_cast<int>(handle_), data, size);
  while (count < 0 && errno == EINTR);
  return count < 0 ? -errno : count;
}

}  // namespace backplane
