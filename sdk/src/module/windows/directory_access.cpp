// SPDX-License-Identifier: MIT
#include <cerrno>
#include <system_error>

#include "module/acceptance.h"

namespace backplane {

// Who may write to it is not asked: docs/windows.md.
std::string refusal_of_directory(const std::filesystem::path& directory) {
  std::error_code error;
  const auto type = std::filesystem::status(directory, error).type();
  if (type == std::filesystem::file_type::not_found) return std::generic_category().message(ENOENT);
  if (type != std::filesystem::file_type::directory) return "not a directory";
  std::filesystem::directory_iterator(directory, error);
  return error ? std::generic_category().message(EACCES) : "";
}

}  // namespace backplane
