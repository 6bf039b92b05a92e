// SPDX-License-Identifier: MIT
#include "module/trust.h"

#include <fmt/format.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>

#include "module/file_of_address.h"

namespace backplane {

namespace {

// Whether a number of a user stands for one. In a user namespace those of users that it does not
// have are all shown as one that means nobody, root among them. [user_namespaces(7)]
bool is_mapped(uid_t user) {
  std::ifstream map("/proc/self/uid_map");
  u_int64_t first, outside, count;
  bool any = false;
  while (map >> first >> outside >> count) {
    any = true;
    if (user >= first && user - first < count) return true;
  }
  return !any;
}

// The file that this code is in: who owns it, or may replace it, decides already what runs.
const std::filesystem::path& own_library() {
  static const auto path = [] {
    std::error_code error;
    return std::filesystem::canonical(
        path_of_address(reinterpret_cast<const void*>(&has_borrowed_rights)), error);
  }();
  return path;
}

std::string refusal_of_user(uid_t owner, const std::filesystem::path& path) {
  if (owner == 0 || owner == geteuid() || !is_mapped(owner)) return {};
  struct stat status;
  if (stat(own_library().c_str(), &status) == 0 && owner == status.st_uid) return {};
  return fmt::format(
      "it belongs to user {}, neither root nor the user or owner of this program, so it is "
      "not trusted; chown root {}",
      owner, path.string());
}

bool is_below(const std::filesystem::path& file, const std::filesystem::path& directory) {
  const auto relative = file.lexically_relative(directory);
  return !relative.empty() && *relative.begin() != "..";
}

}  // namespace

std::string refusal_of_owner(const std::filesystem::path& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 ? refusal_of_user(status.st_uid, path) : "";
}

std::string refusal_of_owner(const HostFile& file, const std::filesystem::path& path) {
  struct stat status;
  return fstat(static_cast<int>(file.handle()), &status) == 0 ? refusal_of_user(status.st_uid, path)
                                                              : "";
}

std::string refusal_of_parents(const std::filesystem::path& directory) {
  std::error_code error;
  auto at = std::filesystem::canonical(directory, error);
  while (!error && at.has_relative_path()) {
    at = at.parent_path();
    struct stat status;
    if (stat(at.c_str(), &status) != 0) return {};
    // Whoever may write there could put another libbackplane in place.
    if (is_below(own_library(), at)) return {};
    if ((status.st_mode & S_IWOTH) != 0 && (status.st_mode & S_ISVTX) == 0)
      return fmt::format(
          "anyone may write to {} above it (mode {:04o}), so it is not trusted; chmod o-w {}",
          at.string(), status.st_mode & 07777U, at.string());
  }
  return {};
}

bool has_borrowed_rights() { return getauxval(AT_SECURE) != 0; }

}  // namespace backplane
