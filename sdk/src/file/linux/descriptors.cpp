// SPDX-License-Identifier: MIT
#include "backplane/descriptors.h"

#include <fcntl.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <string>

#include "backplane/error.h"
#include "backplane/property.h"
#include "file/linux/unique_fd.h"

namespace backplane::descriptors {

namespace {

struct Known {
  std::mutex mutex;
  std::multimap<u32, UniqueFd> sets;
  std::map<std::string, UniqueFd, std::less<>> kept;
};

Known& known() {
  static Known instance;
  return instance;
}

bool can_be(int fd, bool written) {
  const int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
  return mode == O_RDWR || mode == (written ? O_WRONLY : O_RDONLY);
}

}  // namespace

void add_to_set(u32 set, int fd) {
  if (fd <= 2) throw Error::of("fd={}: expects 3 or more", fd);
  if (fcntl(fd, F_GETFD) < 0) throw Error::system(fmt::format("fd={}", fd), errno);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  const std::lock_guard lock(known().mutex);
  known().sets.emplace(set, UniqueFd(fd));
}

int open_of_set(std::string_view path, bool to_write) {
  if (!path.starts_with(kSetPath)) return -1;
  const u32 set = PropertyTraits<u32>::parse(path.substr(kSetPath.size()));
  const std::lock_guard lock(known().mutex);
  const auto [first, end] = known().sets.equal_range(set);
  if (first == end) throw Error::of("{}: no -add-fd has set={}", path, set);
  for (auto at = first; at != end; ++at) {
    if (!can_be(at->second.get(), to_write)) continue;
    const int own = fcntl(at->second.get(), F_DUPFD_CLOEXEC, 3);
    if (own < 0) throw Error::system(std::string(path), errno);
    return own;
  }
  throw Error::of("{}: no descriptor of set={} can be {}", path, set,
                  to_write ? "written" : "read");
}

void keep(std::string_view name, int fd) {
  const std::lock_guard lock(known().mutex);
  known().kept[std::string(name)].reset(fd);
}

int take(std::string_view name_or_number) {
  {
    const std::lock_guard lock(known().mutex);
    if (const auto at = known().kept.find(name_or_number); at != known().kept.end()) {
      const int fd = at->second.release();
      known().kept.erase(at);
      return fd;
    }
  }
  const bool is_number = !name_or_number.empty() &&
                         name_or_number.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number) throw Error::of("'{}': no file descriptor has this name", name_or_number);
  const int fd = static_cast<int>(parse_unsigned(name_or_number, 3, 1'000'000));
  if (fcntl(fd, F_GETFD) < 0) throw Error::system(fmt::format("file descriptor {}", fd), errno);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

void close_kept(std::string_view name) {
  const std::lock_guard lock(known().mutex);
  const auto at = known().kept.find(name);
  if (at == known().kept.end()) throw Error::of("File descriptor named '{}' not found", name);
  known().kept.erase(at);
}

}  // namespace backplane::descriptors
