// SPDX-License-Identifier: MIT
#include "object/loaded_files.h"

#include <windows.h>

// Needs windows.h.
#include <psapi.h>

#include <vector>

namespace backplane::detail {

void for_each_loaded_file(const std::function<void(void* handle)>& fn) {
  std::vector<HMODULE> handles(64);
  DWORD bytes = 0;
  for (;;) {
    const DWORD room = static_cast<DWORD>(handles.size() * sizeof(HMODULE));
    if (!EnumProcessModules(GetCurrentProcess(), handles.data(), room, &bytes)) return;
    if (bytes <= room) break;
    handles.resize(bytes / sizeof(HMODULE));
  }
  handles.resize(bytes / sizeof(HMODULE));
  for (const HMODULE handle : handles) fn(handle);
}

void* exported(void* handle, const char* name) {
  return reinterpret_cast<void*>(GetProcAddress(static_cast<HMODULE>(handle), name));
}

}  // namespace backplane::detail
