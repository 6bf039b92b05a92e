// SPDX-License-Identifier: MIT
#include "module/file_of_address.h"

#include <windows.h>

#include <vector>

namespace backplane {

namespace {

// Of a loaded file; null is the program.
std::filesystem::path path_of(HMODULE file) {
  std::vector<wchar_t> path(MAX_PATH);
  for (;;) {
    const DWORD length = GetModuleFileNameW(file, path.data(), static_cast<DWORD>(path.size()));
    if (length < path.size()) return std::wstring(path.data(), length);
    path.resize(2 * path.size());
  }
}

}  // namespace

std::filesystem::path path_of_address(const void* address) {
  HMODULE file = nullptr;
  constexpr DWORD kFlags =
      GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS | GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT;
  if (!GetModuleHandleExW(kFlags, static_cast<const wchar_t*>(address), &file)) return {};
  return path_of(file);
}

std::filesystem::path program_file() { return path_of(nullptr); }

}  // namespace backplane
