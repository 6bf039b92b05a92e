// SPDX-License-Identifier: MIT
#include "boot/blob.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane::pc {

namespace {

class File {
 public:
  explicit File(const std::string& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (fd_ < 0) throw Error::system(path, errno);
  }
  ~File() { ::close(fd_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

BlobPtr Blob::read_file(const std::string& path) {
  const File file(path);
  struct stat status {};
  if (::fstat(file.fd(), &status) != 0) throw Error::system(path, errno);
  if (S_ISDIR(status.st_mode)) throw Error::of("{}: is a directory, not an image", path);
  std::vector<u8> bytes(S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0);
  std::size_t done = 0;
  for (;;) {
    if (done == bytes.size()) bytes.resize(done + 64 * 1024);
    const ssize_t n = ::read(file.fd(), bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error::system(path, errno);
    if (n == 0) break;
    done += static_cast<std::size_t>(n);
    if (done == bytes.size() && S_ISREG(status.st_mode)) break;
  }
  bytes.resize(done);
  return std::make_shared<Blob>(path, std::move(bytes));
}

}  // namespace backplane::pc
