// SPDX-License-Identifier: MIT
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include "module/acceptance.h"
#include "module/trust.h"

namespace backplane {

std::string refusal_of_directory(const std::filesystem::path& directory) {
  struct stat status;
  if (stat(directory.c_str(), &status) != 0) return std::generic_category().message(errno);
  if (!S_ISDIR(status.st_mode)) return "not a directory";
  if (access(directory.c_str(), R_OK | X_OK) != 0) return std::generic_category().message(errno);
  std::string refusal = refusal_of_mode(status.st_mode & 07777U, directory);
  if (refusal.empty()) refusal = refusal_of_owner(directory);
  if (refusal.empty()) refusal = refusal_of_parents(directory);
  return refusal;
}

}  // namespace backplane
