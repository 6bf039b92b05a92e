// SPDX-License-Identifier: MIT
#include "boot/elf_image.h"

#include <algorithm>
#include <cstring>

#include "backplane/error.h"
#include "boot/elf_format.h"

namespace backplane::pc {

namespace {

constexpr u64 kNoteHeader = 12;
constexpr u64 kMostNotes = 64_KiB;  // bytes looked at

u64 align4(u64 n) { return (n + 3) & ~u64{3}; }

void read_notes(ElfImage& image, u64 offset, u64 size) {
  const Blob& file = *image.file;
  const u64 end = offset + std::min(size, kMostNotes);
  while (offset + kNoteHeader <= end) {
    const u64 name_size = file.number<u32>(offset), size_of_value = file.number<u32>(offset + 4);
    const u64 name_at = offset + kNoteHeader;
    const u64 value_at = name_at + align4(name_size);
    if (name_size > end - name_at || value_at > end || size_of_value > end - value_at) return;
    std::string name(name_size, 0);
    file.read(name_at, name.data(), name_size);
    name.resize(strnlen(name.data(), name_size));
    image.notes.push_back(
        {std::move(name), file.number<u32>(offset + 8), value_at, static_cast<u32>(size_of_value)});
    offset = value_at + align4(size_of_value);
  }
}

template <class Ehdr, class Phdr>
void read_segments(ElfImage& image) {
  const Blob& file = *image.file;
  if (!file.holds(0, sizeof(Ehdr)))
    throw Error::of("{}: ELF file cut short in its header", file.name());
  Ehdr header;
  file.read(0, &header, sizeof header);
  image.entry = header.e_entry;
  bool is_virtual = false;
  const u64 table_size = u64{header.e_phnum} * header.e_phentsize;
  if (header.e_phentsize < sizeof(Phdr) || !file.holds(header.e_phoff, table_size))
    throw Error::of("{}: ELF file whose program headers are outside it", file.name());
  for (unsigned n = 0; n < header.e_phnum; ++n) {
    Phdr segment;
    file.read(header.e_phoff + u64{n} * header.e_phentsize, &segment, sizeof segment);
    if (segment.p_type != PT_LOAD && segment.p_type != PT_NOTE) continue;
    if (!file.holds(segment.p_offset, segment.p_filesz))
      throw Error::of("{}: ELF file cut short: segment {} is outside it", file.name(), n);
    if (segment.p_type == PT_NOTE) {
      read_notes(image, segment.p_offset, segment.p_filesz);
    } else if (segment.p_memsz != 0) {
      image.segments.push_back(BootSegment::of(segment.p_paddr, image.file, segment.p_offset,
                                               segment.p_filesz, segment.p_memsz));
      if (!is_virtual && header.e_entry - segment.p_vaddr < segment.p_memsz) {
        is_virtual = true;
        image.entry = u64{header.e_entry} - segment.p_vaddr + segment.p_paddr;
      }
    }
  }
}

}  // namespace

u64 ElfImage::end() const {
  u64 highest = 0;
  for (const BootSegment& s : segments) highest = std::max(highest, s.end());
  return highest;
}

std::optional<ElfImage> read_elf(const BlobPtr& file) {
  std::array<u8, EI_NIDENT> ident{};
  if (!file->holds(0, ident.size())) return std::nullopt;
  file->read(0, ident.data(), ident.size());
  if (!std::equal(ELFMAG.begin(), ELFMAG.end(), ident.begin()) || ident[EI_DATA] != ELFDATA2LSB)
    return std::nullopt;
  ElfImage image;
  image.file = file;
  switch (ident[EI_CLASS]) {
    case ELFCLASS32:
      read_segments<Elf32_Ehdr, Elf32_Phdr>(image);
      break;
    case ELFCLASS64:
      read_segments<Elf64_Ehdr, Elf64_Phdr>(image);
      break;
    default:
      return std::nullopt;
  }
  return image;
}

}  // namespace backplane::pc
