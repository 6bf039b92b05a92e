// SPDX-License-Identifier: MIT
// ELF-64, little-endian, x86-64. Names follow [gABI "Object Files"].
#include <array>
#include <utility>

#include "module/module_image.h"

namespace backplane {

namespace {

struct Elf64_Ehdr {
  std::array<u8, 16> e_ident;
  u16 e_type, e_machine;
  u32 e_version;
  u64 e_entry, e_phoff, e_shoff;
  u32 e_flags;
  u16 e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};
static_assert(sizeof(Elf64_Ehdr) == 64);

struct Elf64_Shdr {
  u32 sh_name, sh_type;
  u64 sh_flags, sh_addr, sh_offset, sh_size;
  u32 sh_link, sh_info;
  u64 sh_addralign, sh_entsize;
};
static_assert(sizeof(Elf64_Shdr) == 64);

struct Elf64_Phdr {
  u32 p_type, p_flags;
  u64 p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};
static_assert(sizeof(Elf64_Phdr) == 56);

struct Elf64_Dyn {
  i64 d_tag;
  u64 d_val;
};

enum : u8 { kIdentClass = 4, kIdentData = 5, ELFCLASS64 = 2, ELFDATA2LSB = 1 };
enum : u16 {
  ET_DYN = 3,
  EM_386 = 3,
  EM_ARM = 40,
  EM_X86_64 = 62,
  EM_AARCH64 = 183,
  EM_RISCV = 243
};
enum : u32 { SHT_NULL = 0, SHT_PROGBITS = 1, SHT_DYNAMIC = 6, SHT_NOBITS = 8 };
enum : u16 { SHN_XINDEX = 0xffff };
enum : i64 { DT_NULL = 0, DT_NEEDED = 1, DT_RPATH = 15, DT_RUNPATH = 29 };

constexpr u64 kMaxSections = 1 << 16;
constexpr u64 kMaxDynamicEntries = 1 << 12;
constexpr u64 kMaxNameBytes = 1 << 20;
constexpr std::string_view kModinfoName{".modinfo", sizeof ".modinfo"};  // with its end

std::string machine_name(u16 machine) {
  switch (machine) {
    case EM_386:
      return "32-bit x86";
    case EM_ARM:
      return "32-bit ARM";
    case EM_X86_64:
      return "x86-64 with 32-bit pointers";
    case EM_AARCH64:
      return "AArch64";
    case EM_RISCV:
      return "RISC-V";
    default:
      return fmt::format("processor number {}", machine);
  }
}

Elf64_Ehdr read_header(const ImageBytes& bytes) {
  const auto header = bytes.read_as<Elf64_Ehdr>(0, "its ELF header");
  if (header.e_ident[kIdentData] != ELFDATA2LSB)
    throw Error("built for a big-endian processor; this program runs on x86-64")
        .with_hint("install the module's package for x86-64");
  if (header.e_ident[kIdentClass] != ELFCLASS64 || header.e_machine != EM_X86_64)
    throw Error::of("built for {}; this program runs on x86-64", machine_name(header.e_machine))
        .with_hint("install the module's package for x86-64");
  return header;
}

void check_segments(const ImageBytes& bytes, const Elf64_Ehdr& header) {
  if (header.e_phnum == 0) return;
  if (header.e_phentsize != sizeof(Elf64_Phdr))
    throw Error::of("damaged: a program header of {} bytes", header.e_phentsize);
  for (const Elf64_Phdr& segment :
       bytes.read_array<Elf64_Phdr>(header.e_phoff, header.e_phnum, "its table of program headers"))
    if (!bytes.contains(segment.p_offset, segment.p_filesz))
      throw Error::of("truncated: a segment of {} bytes begins at byte {} of a file of {} bytes",
                      segment.p_filesz, segment.p_offset, bytes.size());
}

std::vector<Elf64_Shdr> read_sections(const ImageBytes& bytes, const Elf64_Ehdr& header) {
  constexpr std::string_view kTable = "its table of sections";
  if (header.e_shoff == 0) return {};
  if (header.e_shentsize != sizeof(Elf64_Shdr))
    throw Error::of("damaged: a section header of {} bytes", header.e_shentsize);
  u64 count = header.e_shnum;
  // More sections than the header can say: the count is in the first one.
  if (count == 0) count = bytes.read_as<Elf64_Shdr>(header.e_shoff, kTable).sh_size;
  if (count > kMaxSections) throw Error::of("damaged: it declares {} sections", count);
  auto sections = bytes.read_array<Elf64_Shdr>(header.e_shoff, count, kTable);
  for (const Elf64_Shdr& section : sections)
    if (section.sh_type != SHT_NULL && section.sh_type != SHT_NOBITS &&
        !bytes.contains(section.sh_offset, section.sh_size))
      throw Error::of("truncated: a section of {} bytes begins at byte {} of a file of {} bytes",
                      section.sh_size, section.sh_offset, bytes.size());
  return sections;
}

void read_dynamic(const ImageBytes& bytes, const std::vector<Elf64_Shdr>& sections,
                  const Elf64_Shdr& dynamic, ModuleImage& image) {
  if (dynamic.sh_link >= sections.size())
    throw Error("damaged: its dynamic section names no string table");
  const Elf64_Shdr& strings = sections[dynamic.sh_link];
  const u64 count = dynamic.sh_size / sizeof(Elf64_Dyn);
  if (strings.sh_type == SHT_NOBITS || count > kMaxDynamicEntries)
    throw Error("damaged: its dynamic section makes no sense");
  const auto text_at = [&](u64 offset) {
    if (offset >= strings.sh_size) throw Error("damaged: a library's name lies outside its table");
    return bytes.read_string(strings.sh_offset + offset, strings.sh_offset + strings.sh_size,
                             "a library's name");
  };
  for (const Elf64_Dyn& entry :
       bytes.read_array<Elf64_Dyn>(dynamic.sh_offset, count, "its dynamic section")) {
    if (entry.d_tag == DT_NULL) break;
    if (entry.d_tag == DT_NEEDED) image.libraries.push_back(text_at(entry.d_val));
    if (entry.d_tag == DT_RPATH || entry.d_tag == DT_RUNPATH)
      image.library_paths.push_back(text_at(entry.d_val));
  }
}

}  // namespace

ModuleImage read_elf_image(const ImageBytes& bytes) {
  const Elf64_Ehdr header = read_header(bytes);
  ModuleImage image;
  image.format = "ELF";
  image.shared_object = header.e_type == ET_DYN;
  check_segments(bytes, header);
  const std::vector<Elf64_Shdr> sections = read_sections(bytes, header);
  if (sections.empty()) return image;

  const u32 names_index = header.e_shstrndx == SHN_XINDEX ? sections[0].sh_link : header.e_shstrndx;
  if (names_index >= sections.size()) throw Error("damaged: its section names are missing");
  const Elf64_Shdr& names = sections[names_index];
  if (names.sh_type == SHT_NOBITS || names.sh_size > kMaxNameBytes)
    throw Error("damaged: its section names are missing");
  const std::string name_table =
      bytes.read_text(names.sh_offset, names.sh_size, "its section names");

  bool has_dynamic = false;
  for (const Elf64_Shdr& section : sections) {
    if (section.sh_type == SHT_DYNAMIC) {
      if (std::exchange(has_dynamic, true)) throw Error("damaged: it has two dynamic sections");
      read_dynamic(bytes, sections, section, image);
    }
    if (section.sh_type != SHT_PROGBITS) continue;
    if (section.sh_name >= name_table.size()) throw Error("damaged: a section's name is missing");
    if (!std::string_view(name_table).substr(section.sh_name).starts_with(kModinfoName)) continue;
    if (image.has_modinfo) throw Error("damaged: it has two .modinfo sections");
    if (section.sh_size > kMaxModinfoBytes)
      throw Error::of("damaged: its metadata has {} bytes", section.sh_size);
    image.has_modinfo = true;
    image.modinfo = bytes.read_text(section.sh_offset, section.sh_size, "its metadata");
  }
  return image;
}

}  // namespace backplane
