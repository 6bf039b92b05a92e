// SPDX-License-Identifier: MIT
// ELF executables of both sizes, little-endian. Names follow
// [System V ABI "Object Files", "Program Loading"].
#pragma once

#include <array>

#include "backplane/types.h"

namespace backplane::pc {

enum : unsigned { EI_CLASS = 4, EI_DATA = 5, EI_NIDENT = 16 };
enum : u8 { ELFCLASS32 = 1, ELFCLASS64 = 2, ELFDATA2LSB = 1 };
enum : u32 { PT_LOAD = 1, PT_NOTE = 4 };
inline constexpr std::array<u8, 4> ELFMAG{0x7f, 'E', 'L', 'F'};

struct Elf32_Ehdr {
  std::array<u8, EI_NIDENT> e_ident;
  u16 e_type, e_machine;
  u32 e_version, e_entry, e_phoff, e_shoff, e_flags;
  u16 e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};
static_assert(sizeof(Elf32_Ehdr) == 52);

struct Elf64_Ehdr {
  std::array<u8, EI_NIDENT> e_ident;
  u16 e_type, e_machine;
  u32 e_version;
  u64 e_entry, e_phoff, e_shoff;
  u32 e_flags;
  u16 e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum, e_shstrndx;
};
static_assert(sizeof(Elf64_Ehdr) == 64);

struct Elf32_Phdr {
  u32 p_type, p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_flags, p_align;
};
static_assert(sizeof(Elf32_Phdr) == 32);

struct Elf64_Phdr {
  u32 p_type, p_flags;
  u64 p_offset, p_vaddr, p_paddr, p_filesz, p_memsz, p_align;
};
static_assert(sizeof(Elf64_Phdr) == 56);

}  // namespace backplane::pc
