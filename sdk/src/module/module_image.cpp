// SPDX-License-Identifier: MIT
#include "module/module_image.h"

#include <algorithm>

namespace backplane {

ModuleImage read_image(const ImageBytes& bytes) {
  if (bytes.size() == 0)
    throw Error("the file is empty").with_hint("reinstall the module's package");
  const std::string magic = bytes.read_text(0, std::min<u64>(bytes.size(), 4), "its first bytes");
  if (magic ==
      "\x7f"
      "ELF")
    return read_elf_image(bytes);
  if (magic.starts_with("MZ")) return read_pe_image(bytes);
  // A shared object cut off inside its first four bytes.
  if (std::string_view("\x7f"
                       "ELF")
          .starts_with(magic))
    throw Error::of("truncated: the file has {} bytes", bytes.size())
        .with_hint("reinstall the module's package");
  throw Error("this is no shared object, but some other kind of file")
      .with_hint("remove it from the module directory");
}

}  // namespace backplane
