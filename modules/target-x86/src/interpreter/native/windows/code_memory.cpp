// SPDX-License-Identifier: MIT
#include "../code_memory.h"

#include <windows.h>

#include <cerrno>

#include "backplane/error.h"

namespace backplane::x86::interpreter {

CodeMemory::CodeMemory(std::size_t size) : size_(size) {
  const HANDLE section =
      CreateFileMappingW(INVALID_HANDLE_VALUE, nullptr, PAGE_EXECUTE_READWRITE,
                         static_cast<DWORD>(u64{size} >> 32), static_cast<DWORD>(size), nullptr);
  if (section == nullptr) throw Error::system("memory for generated code", ENOMEM);
  writable_ = static_cast<u8*>(MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, size));
  executable_ =
      static_cast<const u8*>(MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_EXECUTE, 0, 0, size));
  // The views keep it.
  CloseHandle(section);
  if (writable_ != nullptr && executable_ != nullptr) return;
  if (writable_ != nullptr) UnmapViewOfFile(writable_);
  if (executable_ != nullptr) UnmapViewOfFile(executable_);
  throw Error::system("memory for generated code", ENOMEM);
}

CodeMemory::~CodeMemory() {
  UnmapViewOfFile(writable_);
  UnmapViewOfFile(executable_);
}

}  // namespace backplane::x86::interpreter
