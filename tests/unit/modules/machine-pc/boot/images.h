// SPDX-License-Identifier: MIT
// Synthetic kernel images, and a request to boot one.
#pragma once

#include <elf.h>
#include <gtest/gtest.h>

#include <cstring>
#include <string>

#include "backplane/error.h"
#include "boot/boot_plan.h"

namespace backplane::pc::testing {

template <class T>
void put(std::vector<u8>& image, u64 offset, T value) {
  if (image.size() < offset + sizeof value) image.resize(offset + sizeof value);
  std::memcpy(&image[offset], &value, sizeof value);
}

inline BlobPtr blob(std::string name, std::vector<u8> bytes) {
  return std::make_shared<Blob>(std::move(name), std::move(bytes));
}

inline BootRequest request_for(std::vector<u8> image, u64 ram = 64_MiB) {
  BootRequest request;
  request.kernel = blob("kernel", std::move(image));
  request.command_line = "console=ttyS0";
  request.memory.ram = ram;
  request.rsdp = 0xe0000;
  return request;
}

// A relocatable 64-bit bzImage of protocol 2.15 with 4 KiB of kernel, all 90h.
inline std::vector<u8> bzimage() {
  std::vector<u8> image(5 * 512 + 4096, 0x90);
  std::fill(image.begin(), image.begin() + 5 * 512, 0);
  put<u8>(image, 0x1f1, 4);
  put<u16>(image, 0x1fe, 0xaa55);
  put<u8>(image, 0x201, 0x6a);
  put<u32>(image, 0x202, 0x53726448);
  put<u16>(image, 0x206, 0x20f);
  put<u8>(image, 0x211, 1);
  put<u32>(image, 0x214, 0x100000);
  put<u32>(image, 0x22c, 0x7fffffff);
  put<u32>(image, 0x230, 0x200000);
  put<u8>(image, 0x234, 1);
  put<u16>(image, 0x236, 1);
  put<u32>(image, 0x238, 2047);
  put<u64>(image, 0x258, 0x1000000);
  put<u32>(image, 0x260, 0x10000);
  return image;
}

// A 32-bit ELF file with one segment of 64 bytes at 1 MiB (256 in memory) and, if wanted, a Xen
// note with the PVH entry point.
inline std::vector<u8> elf32(bool with_note) {
  Elf32_Ehdr header{};
  std::memcpy(header.e_ident, ELFMAG, SELFMAG);
  header.e_ident[EI_CLASS] = ELFCLASS32;
  header.e_ident[EI_DATA] = ELFDATA2LSB;
  header.e_type = ET_EXEC;
  header.e_machine = EM_386;
  header.e_entry = 0x100000;
  header.e_phoff = sizeof header;
  header.e_phentsize = sizeof(Elf32_Phdr);
  header.e_phnum = with_note ? 2 : 1;
  Elf32_Phdr load{};
  load.p_type = PT_LOAD;
  load.p_offset = 0x200;
  load.p_paddr = 0x100000;
  load.p_filesz = 64;
  load.p_memsz = 256;
  Elf32_Phdr note{};
  note.p_type = PT_NOTE;
  note.p_offset = 0x180;
  note.p_filesz = 20;
  std::vector<u8> image(0x240, 0);
  put(image, 0, header);
  put(image, sizeof header, load);
  if (with_note) put(image, sizeof header + sizeof load, note);
  put<u32>(image, 0x180, 4);
  put<u32>(image, 0x184, 4);
  put<u32>(image, 0x188, 18);
  std::memcpy(&image[0x18c], "Xen", 4);
  put<u32>(image, 0x190, 0x100010);
  std::fill(image.begin() + 0x200, image.end(), 0xcc);
  return image;
}

// The message of the Error that planning throws.
inline std::string refusal(const BootRequest& request) {
  try {
    plan_boot(request);
  } catch (const Error& e) {
    return e.what();
  }
  ADD_FAILURE() << "no error";
  return {};
}

// The segment that covers an address.
inline const BootSegment* segment_at(const BootPlan& plan, u64 address) {
  for (const BootSegment& s : plan.segments)
    if (address >= s.address && address < s.end()) return &s;
  return nullptr;
}
template <class T>
T number_at(const BootPlan& plan, u64 address) {
  T value{};
  const BootSegment* s = segment_at(plan, address);
  EXPECT_NE(s, nullptr);
  if (s != nullptr) std::memcpy(&value, &s->bytes.at(address - s->address), sizeof value);
  return value;
}

}  // namespace backplane::pc::testing
