// SPDX-License-Identifier: MIT
// What a boot loader needs of an ELF executable: its segments, its entry, its notes. Everything is
// checked against the file's size. [System V ABI "Object Files", "Program Loading"]
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "boot/blob.h"
#include "boot/boot_plan.h"

namespace backplane::pc {

struct ElfImage {
  // Physical, as no loader here turns paging on: where the header names a virtual address of a
  // segment, the physical one of that byte.
  u64 entry = 0;
  std::vector<BootSegment> segments;  // at their physical addresses
  struct Note {
    std::string name;
    u32 type = 0;
    u64 offset = 0;  // of the descriptor, in the file
    u32 size = 0;
  };
  std::vector<Note> notes;
  BlobPtr file;

  u64 end() const;  // the first address after all segments
};

// Null if the file is not an ELF executable for x86. Throws Error if it is one and damaged.
std::optional<ElfImage> read_elf(const BlobPtr& file);

}  // namespace backplane::pc
