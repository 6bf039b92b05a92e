// SPDX-License-Identifier: MIT
// Reading ELF files that may be anything.
#include <elf.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <functional>

#include "backplane/module.h"
#include "backplane/testing/scratch_directory.h"
#include "fixture_modules.h"

namespace backplane {
namespace {

const std::string& good_module() {
  static const std::string bytes = read_bytes(fixture_module("good"));
  return bytes;
}

std::string message_of(const std::string& bytes) {
  try {
    parse_module_image(bytes.data(), bytes.size());
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

// The good module after a change to its header.
std::string with_header(const std::function<void(Elf64_Ehdr&)>& change) {
  std::string bytes = good_module();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  change(header);
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

// The good module after a change to the first section that `wanted` accepts.
std::string with_section(const std::function<bool(const Elf64_Shdr&)>& wanted,
                         const std::function<void(Elf64_Shdr&)>& change) {
  std::string bytes = good_module();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  for (unsigned n = 0; n < header.e_shnum; ++n) {
    char* const at = bytes.data() + header.e_shoff + n * sizeof(Elf64_Shdr);
    Elf64_Shdr section;
    std::memcpy(&section, at, sizeof section);
    if (!wanted(section)) continue;
    change(section);
    std::memcpy(at, &section, sizeof section);
    return bytes;
  }
  ADD_FAILURE() << "no such section";
  return bytes;
}

bool is_dynamic(const Elf64_Shdr& section) { return section.sh_type == SHT_DYNAMIC; }
bool is_progbits(const Elf64_Shdr& section) { return section.sh_type == SHT_PROGBITS; }

TEST(ElfImage, OfAModuleGivesItsMetadata) {
  const ModuleRecord m = parse_module_image(good_module().data(), good_module().size());
  EXPECT_EQ(m.name, "good");
  EXPECT_EQ(m.version, "2.5");
  EXPECT_EQ(m.license, "Zlib");
  EXPECT_EQ(m.description, "Does all right");
  EXPECT_EQ(m.arch, BACKPLANE_ARCH);
  EXPECT_EQ(m.abi, BACKPLANE_ABI_TAG);
  ASSERT_EQ(m.types.size(), 3U);
  EXPECT_EQ(m.types[0].name, "good-base");
  EXPECT_TRUE(m.types[0].abstract);
  EXPECT_TRUE(m.types[1].board_only);
  EXPECT_EQ(m.types[2].description, "It works: every time");
  EXPECT_NE(std::find(m.libraries.begin(), m.libraries.end(), "libbackplane.so.0"),
            m.libraries.end());
}

TEST(ElfImage, TruncatedAtAnyByteIsTold) {
  const std::string whole = read_bytes(fixture_module("liar"));
  ASSERT_NO_THROW(parse_module_image(whole.data(), whole.size()));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    // A copy of exactly this size, so that a sanitizer sees any read beyond it.
    const std::vector<char> bytes(whole.begin(), whole.begin() + size);
    EXPECT_THROW(parse_module_image(bytes.data(), bytes.size()), Error) << size;
  }
}

TEST(ElfImage, OfAnotherProcessorIsTold) {
  EXPECT_EQ(message_of(with_header([](auto& h) { h.e_machine = EM_AARCH64; })),
            "built for AArch64; this program runs on x86-64");
  EXPECT_EQ(message_of(with_header([](auto& h) {
              h.e_ident[EI_CLASS] = ELFCLASS32;
              h.e_machine = EM_386;
            })),
            "built for 32-bit x86; this program runs on x86-64");
  EXPECT_EQ(message_of(with_header([](auto& h) { h.e_ident[EI_DATA] = ELFDATA2MSB; })),
            "built for a big-endian processor; this program runs on x86-64");
}

TEST(ElfImage, ThatIsNoSharedObjectIsTold) {
  EXPECT_EQ(message_of(with_header([](auto& h) { h.e_type = ET_REL; })),
            "an object file, but not a shared object");
}

TEST(ElfImage, WithoutSectionsIsNoModule) {
  EXPECT_EQ(message_of(with_header([](auto& h) { h.e_shoff = h.e_shnum = 0; })),
            "a shared object, but no Backplane module: it has no .modinfo section");
}

TEST(ElfImage, WithImpossibleTablesIsRefused) {
  EXPECT_NE(message_of(with_header([](auto& h) { h.e_shoff = ~0ULL; })), "");
  EXPECT_NE(message_of(with_header([](auto& h) { h.e_shoff = ~0ULL - 63; })), "");
  EXPECT_NE(message_of(with_header([](auto& h) { h.e_shnum = 0xffff; })), "");
  EXPECT_NE(message_of(with_header([](auto& h) { h.e_shentsize = 1; })), "");
  EXPECT_NE(message_of(with_header([](auto& h) { h.e_shstrndx = 0xfffe; })), "");
  EXPECT_NE(message_of(with_header([](auto& h) { h.e_shstrndx = SHN_XINDEX; })), "");
  EXPECT_NE(message_of(with_header([](auto& h) { h.e_phoff = ~0ULL; })), "");
  EXPECT_NE(message_of(with_header([](auto& h) { h.e_phnum = 0xffff; })), "");
  EXPECT_NE(message_of(with_header([](auto& h) { h.e_phentsize = 0; })), "");
}

TEST(ElfImage, WithASectionCountInTheFirstSectionIsBounded) {
  std::string bytes = with_header([](auto& h) { h.e_shnum = 0; });
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  const u64 huge = ~0ULL;
  std::memcpy(bytes.data() + header.e_shoff + offsetof(Elf64_Shdr, sh_size), &huge, sizeof huge);
  EXPECT_EQ(message_of(bytes), fmt::format("damaged: it declares {} sections", huge));
}

TEST(ElfImage, WithSectionsOutsideOfItIsRefused) {
  EXPECT_NE(message_of(with_section(is_progbits, [](auto& s) { s.sh_size = ~0ULL; })), "");
  EXPECT_NE(message_of(with_section(is_progbits, [](auto& s) { s.sh_offset = ~0ULL; })), "");
  EXPECT_NE(message_of(with_section(is_progbits, [](auto& s) { s.sh_name = ~0U; })), "");
}

TEST(ElfImage, WithADamagedDynamicSectionIsRefused) {
  EXPECT_NE(message_of(with_section(is_dynamic, [](auto& s) { s.sh_link = ~0U; })), "");
  EXPECT_NE(message_of(with_section(is_dynamic, [](auto& s) { s.sh_link = 0; })), "");
}

TEST(ElfImage, WhoseSectionsOverlapIsReadWithoutHarm) {
  // Every section at the same place: nonsense, but inside the file.
  std::string bytes = good_module();
  Elf64_Ehdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  for (unsigned n = 1; n < header.e_shnum; ++n) {
    const u64 offset = 64;
    std::memcpy(
        bytes.data() + header.e_shoff + n * sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, sh_offset),
        &offset, sizeof offset);
  }
  EXPECT_NE(message_of(bytes), "");
}

TEST(ModuleFile, OfOtherKindsIsTold) {
  EXPECT_EQ(message_of(""), "the file is empty");
  EXPECT_EQ(message_of("\x7f"
                       "EL"),
            "truncated: the file has 3 bytes");
  EXPECT_EQ(message_of("#!/bin/sh\n"), "this is no shared object, but some other kind of file");
}

TEST(ModuleFile, SaysThePathAndTheCure) {
  const testing::ScratchDirectory scratch;
  const auto path = scratch.write("x.so", "");
  try {
    read_module_file(path);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.what(), path.string() + ": the file is empty");
    EXPECT_EQ(error.hint(), "reinstall the module's package");
  }
}

TEST(ModuleFile, ThatIsNoRegularFileIsTold) {
  const testing::ScratchDirectory scratch;
  ASSERT_EQ(mkfifo((scratch / "fifo.so").c_str(), 0600), 0);
  EXPECT_THROW(read_module_file(scratch / "fifo.so"), Error);
  EXPECT_THROW(read_module_file(scratch.path()), Error);
  EXPECT_THROW(read_module_file(scratch / "absent.so"), Error);
}

TEST(ElfImage, IsDamagedIfItHasTwoDynamicSections) {
  Elf64_Shdr dynamic{};
  with_section(is_dynamic, [&](Elf64_Shdr& section) { dynamic = section; });
  EXPECT_EQ(message_of(with_section(
                [](const Elf64_Shdr& section) { return section.sh_type == SHT_PROGBITS; },
                [&](Elf64_Shdr& section) { section = dynamic; })),
            "damaged: it has two dynamic sections");
}

}  // namespace
}  // namespace backplane
