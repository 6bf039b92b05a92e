// SPDX-License-Identifier: MIT
// What the loader wants to know of an object file, whatever its format.
#pragma once

#include <string>
#include <vector>

#include "module/image_bytes.h"

namespace backplane {

struct ModuleImage {
  std::string format;                      // "ELF" or "PE"
  bool shared_object = false;              // it can be loaded into a process
  bool has_modinfo = false;                // it has the section
  std::string modinfo;                     // the section's bytes
  std::vector<std::string> libraries;      // those it is linked with, by name (ELF only)
  std::vector<std::string> library_paths;  // where it wants them looked for ($ORIGIN: its folder)
};

// Reads an object file's structure; everything it declares must lie inside the file, so that a file
// truncated at any byte is told. Throws Error (without the path). Built for another processor is an
// Error too.
ModuleImage read_image(const ImageBytes& bytes);

// The formats: [gABI "Object Files", "Program Loading and Dynamic Linking"],
// [PE "PE Format: Overview", "COFF File Header", "Section Table"].
ModuleImage read_elf_image(const ImageBytes& bytes);
ModuleImage read_pe_image(const ImageBytes& bytes);

// No module's metadata is larger.
inline constexpr u64 kMaxModinfoBytes = 1 << 20;

}  // namespace backplane
