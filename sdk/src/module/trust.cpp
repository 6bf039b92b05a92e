// SPDX-License-Identifier: MIT
#include "module/trust.h"

#include <fmt/format.h>

namespace backplane {

std::string refusal_of_link(const std::filesystem::directory_entry& file) {
  std::error_code error;
  if (!file.is_symlink(error)) return {};
  const auto target = std::filesystem::canonical(file.path(), error);
  if (error) return {};  // said when it is opened
  const auto directory = std::filesystem::canonical(file.path().parent_path(), error);
  if (!error && target.parent_path() == directory) return {};
  return fmt::format(
      "a symbolic link out of its directory, to {}; copy the file, or name its directory with "
      "-module-path",
      target.string());
}

}  // namespace backplane
