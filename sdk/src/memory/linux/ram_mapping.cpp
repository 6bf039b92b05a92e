// SPDX-License-Identifier: MIT
#include "memory/ram_mapping.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "backplane/error.h"

namespace backplane {

RamMapping map_ram(const std::string& name, u64 size) {
  const int fd = memfd_create(name.c_str(), MFD_CLOEXEC);
  if (fd < 0) throw Error::system(fmt::format("memory '{}': cannot create a memfd", name), errno);
  if (ftruncate(fd, static_cast<off_t>(size)) != 0) {
    const int error = errno;
    close(fd);
    throw Error::system(fmt::format("memory '{}': cannot reserve {} bytes", name, size), error);
  }
  void* const mapping =
      mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
  if (mapping == MAP_FAILED) {
    const int error = errno;
    close(fd);
    throw Error::system(fmt::format("memory '{}': cannot map {} bytes", name, size), error);
  }
  madvise(mapping, size, MADV_DONTDUMP);
  return {.host = static_cast<u8*>(mapping), .fd = fd};
}

void unmap_ram(const RamMapping& mapping, u64 size) {
  munmap(mapping.host, size);
  close(mapping.fd);
}

void clear_ram(const RamMapping& mapping, u64 offset, u64 size) {
  if (fallocate(mapping.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(offset),
                static_cast<off_t>(size)) != 0)
    std::memset(mapping.host + offset, 0, size);
}

// Through the memfd, which takes pages without a fault for each of them.
i64 read_into_ram(const RamMapping& mapping, const HostFile& file, u64 size) {
  off_t done = 0;
  if (lseek(mapping.fd, 0, SEEK_SET) != 0) return -errno;
  while (static_cast<u64>(done) != size) {
    const ssize_t count =
        sendfile(mapping.fd, static_cast<int>(file.handle()), &done, size - static_cast<u64>(done));
    if (count < 0 && errno == EINTR) continue;
    // Some file systems have none.
    if (count < 0) return file.read_at(0, mapping.host, size);
    if (count == 0) break;
  }
  return done;
}

void find_used_ram(const RamMapping& mapping, u64& start, u64& end) {
  const off_t data = lseek(mapping.fd, static_cast<off_t>(start), SEEK_DATA);
  if (data < 0) {
    // ENXIO: a hole up to the end. Else the host cannot tell.
    if (errno == ENXIO) start = end;
    return;
  }
  start = std::min(end, static_cast<u64>(data));
  const off_t hole = lseek(mapping.fd, data, SEEK_HOLE);
  if (hole > data) end = std::min(end, static_cast<u64>(hole));
}

}  // namespace backplane
