// SPDX-License-Identifier: MIT
#include "chardev/open_stream.h"

#include <windows.h>

#include <filesystem>

#include "backplane/error.h"
#include "diagnostics/windows/last_error.h"

namespace backplane {

StreamHandle open_output_file(const std::string& path, bool append) {
  UniqueHandle output(CreateFileW(std::filesystem::path(path).c_str(),
                                  append ? FILE_APPEND_DATA : GENERIC_WRITE, FILE_SHARE_READ,
                                  nullptr, append ? OPEN_ALWAYS : CREATE_ALWAYS,
                                  FILE_ATTRIBUTE_NORMAL, nullptr));
  if (!output) throw Error::system("cannot open " + path + " for writing", last_errno());
  return output;
}

StreamHandle open_input_file(const std::string& path) {
  UniqueHandle input(CreateFileW(std::filesystem::path(path).c_str(), GENERIC_READ,
                                 FILE_SHARE_READ | FILE_SHARE_WRITE, nullptr, OPEN_EXISTING,
                                 FILE_ATTRIBUTE_NORMAL, nullptr));
  if (!input) throw Error::system("cannot open " + path, last_errno());
  return input;
}

}  // namespace backplane
