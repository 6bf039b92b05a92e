// SPDX-License-Identifier: MIT
#include "backplane/descriptors.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>
#include <set>
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

// Those that were open when the program was started. (Others are its own, and nobody's to name.)
std::set<int> open_at_start() {
  std::set<int> found;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd", failed)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    // Not the one of this loop.
    if (fd > STDERR_FILENO && (fcntl(fd, F_GETFD) & FD_CLOEXEC) == 0) found.insert(fd);
  }
  return found;
}
std::set<int> inherited = open_at_start();  // and not taken yet; mutex of Known

// Throws Error unless it is one of those.
void take_inherited(int fd) {
  if (inherited.erase(fd) == 0)
    throw Error::of("{}: whoever started the program has left it no file descriptor of this number",
                    fd);
  fcntl(fd, F_SETFD, FD_CLOEXEC);
}

bool can_be(int fd, bool written) {
  const int mode = fcntl(fd, F_GETFL) & O_ACCMODE;
  return mode == O_RDWR || mode == (written ? O_WRONLY : O_RDONLY);
}

}  // namespace

void add_to_set(u32 set, int fd) {
  const std::lock_guard lock(known().mutex);
  take_inherited(fd);
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
  const std::lock_guard lock(known().mutex);
  if (const auto at = known().kept.find(name_or_number); at != known().kept.end()) {
    const int fd = at->second.release();
    known().kept.erase(at);
    return fd;
  }
  const bool is_number = !name_or_number.empty() &&
                         name_or_number.find_first_not_of("0123456789") == std::string::npos;
  if (!is_number) throw Error::of("'{}': no file descriptor has this name", name_or_number);
  const int fd = static_cast<int>(parse_unsigned(name_or_number, 0, 1'000'000));
  take_inherited(fd);
  return fd;
}

void close_kept(std::string_view name) {
  const std::lock_guard lock(known().mutex);
  const auto at = known().kept.find(name);
  if (at == known().kept.end()) throw Error::of("File descriptor named '{}' not found", name);
  known().kept.erase(at);
}

}  // namespace backplane::descriptors
