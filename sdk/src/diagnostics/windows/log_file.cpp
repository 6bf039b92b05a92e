// SPDX-License-Identifier: MIT
#include "diagnostics/log_file.h"

#include <filesystem>

namespace backplane::log {

// The C library of Windows takes a line buffer for a full one.
std::FILE* open_log_file(const std::string& path) {
  std::FILE* const file = _wfopen(std::filesystem::path(path).c_str(), L"wN");
  if (file != nullptr) std::setvbuf(file, nullptr, _IONBF, 0);
  return file;
}

}  // namespace backplane::log
