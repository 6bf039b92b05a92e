// SPDX-License-Identifier: MIT
#include "memory/ram_mapping.h"

#include <windows.h>

#include <cstring>

#include "backplane/error.h"
#include "diagnostics/windows/last_error.h"

namespace backplane {

// Committed: Windows has no memory that is promised to several who do not use it.
RamMapping map_ram(const std::string& name, u64 size) {
  void* const memory = VirtualAlloc(nullptr, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  if (memory == nullptr)
    throw Error::system(fmt::format("memory '{}': cannot commit {} bytes", name, size),
                        last_errno());
  return {.host = static_cast<u8*>(memory)};
}

void unmap_ram(const RamMapping& mapping, u64) { VirtualFree(mapping.host, 0, MEM_RELEASE); }

// Windows takes pages back only by making them inaccessible for a moment, in which a vCPU may be
// using their neighbours' mapping.
void clear_ram(const RamMapping& mapping, u64 offset, u64 size) {
  std::memset(mapping.host + offset, 0, size);
}

i64 read_into_ram(const RamMapping& mapping, const HostFile& file, u64 size) {
  return file.read_at(0, mapping.host, size);
}

void find_used_ram(const RamMapping&, u64&, u64&) {}

}  // namespace backplane
