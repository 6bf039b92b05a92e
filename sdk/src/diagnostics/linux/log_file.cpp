// SPDX-License-Identifier: MIT
#include "diagnostics/log_file.h"

namespace backplane::log {

std::FILE* open_log_file(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file != nullptr) std::setvbuf(file, nullptr, _IOLBF, 1 << 16);
  return file;
}

}  // namespace backplane::log
