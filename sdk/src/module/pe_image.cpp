// SPDX-License-Identifier: MIT
// PE32+, x86-64. Names follow [PE "PE Format"].
#include <array>
#include <cstring>

#include "module/module_image.h"

namespace backplane {

namespace {

struct CoffHeader {
  std::array<char, 4> Signature;  // "PE", two zero bytes
  u16 Machine, NumberOfSections;
  u32 TimeDateStamp, PointerToSymbolTable, NumberOfSymbols;
  u16 SizeOfOptionalHeader, Characteristics;
};
static_assert(sizeof(CoffHeader) == 24);

struct SectionHeader {
  std::array<char, 8> Name;  // not terminated if it fills the field
  u32 VirtualSize, VirtualAddress, SizeOfRawData, PointerToRawData;
  u32 PointerToRelocations, PointerToLinenumbers;
  u16 NumberOfRelocations, NumberOfLinenumbers;
  u32 Characteristics;
};
static_assert(sizeof(SectionHeader) == 40);

enum : u16 { IMAGE_FILE_MACHINE_AMD64 = 0x8664, IMAGE_FILE_DLL = 0x2000, kPe32Plus = 0x20b };
constexpr u64 kSignatureOffset = 0x3c;  // where the DOS stub says the PE signature is

}  // namespace

ModuleImage read_pe_image(const ImageBytes& bytes) {
  const u64 coff_at = bytes.read_as<u32>(kSignatureOffset, "its DOS header");
  const auto header = bytes.read_as<CoffHeader>(coff_at, "its PE header");
  if (std::memcmp(header.Signature.data(), "PE\0\0", 4) != 0)
    throw Error("damaged: it begins like a Windows program, but has no PE header");
  if (header.Machine != IMAGE_FILE_MACHINE_AMD64)
    throw Error::of("built for Windows on processor {:#x}; this program runs on x86-64",
                    header.Machine)
        .with_hint("install the module's package for x86-64");
  const u64 optional_at = coff_at + sizeof(CoffHeader);
  if (bytes.read_as<u16>(optional_at, "its optional header") != kPe32Plus)
    throw Error("damaged: its optional header is not PE32+");

  ModuleImage image;
  image.format = "PE";
  image.shared_object = (header.Characteristics & IMAGE_FILE_DLL) != 0;
  for (const SectionHeader& section :
       bytes.read_array<SectionHeader>(optional_at + header.SizeOfOptionalHeader,
                                       header.NumberOfSections, "its table of sections")) {
    if (!bytes.contains(section.PointerToRawData, section.SizeOfRawData))
      throw Error::of("truncated: a section of {} bytes begins at byte {} of a file of {} bytes",
                      section.SizeOfRawData, section.PointerToRawData, bytes.size());
    if (std::string_view(section.Name.data(), section.Name.size()) != ".modinfo") continue;
    if (image.has_modinfo) throw Error("damaged: it has two .modinfo sections");
    // The raw data is padded to the file's alignment.
    const u32 size = std::min(section.SizeOfRawData, section.VirtualSize);
    if (size > kMaxModinfoBytes) throw Error::of("damaged: its metadata has {} bytes", size);
    image.has_modinfo = true;
    image.modinfo = bytes.read_text(section.PointerToRawData, size, "its metadata");
  }
  return image;
}

}  // namespace backplane
