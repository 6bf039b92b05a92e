// SPDX-License-Identifier: MIT
// Reading PE files: a small one, made here from the format's description.
#include <gtest/gtest.h>

#include <cstring>

#include "backplane/module.h"

namespace backplane {
namespace {

constexpr std::size_t kPeOffset = 0x80;
constexpr std::size_t kSectionTable = kPeOffset + 24 + 240;
constexpr std::size_t kData = 0x200;

template <class T>
void put(std::string& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

std::string metadata() {
  using namespace std::string_literals;
  return "name=winmod\0sdk=0.1\0abi=itanium-mingw\0type=whpx-accel:accel\0"s;
}

std::string small_dll() {
  std::string bytes(kData + 0x200, '\0');
  put(bytes, 0, u16{0x5a4d});  // "MZ"
  put(bytes, 0x3c, u32{kPeOffset});
  put(bytes, kPeOffset, u32{0x4550});  // "PE"
  put(bytes, kPeOffset + 4, u16{0x8664});
  put(bytes, kPeOffset + 6, u16{1});        // one section
  put(bytes, kPeOffset + 20, u16{240});     // size of the optional header
  put(bytes, kPeOffset + 22, u16{0x2022});  // a DLL
  put(bytes, kPeOffset + 24, u16{0x20b});   // PE32+
  std::memcpy(bytes.data() + kSectionTable, ".modinfo", 8);
  put(bytes, kSectionTable + 8, static_cast<u32>(metadata().size()));
  put(bytes, kSectionTable + 16, u32{0x200});
  put(bytes, kSectionTable + 20, static_cast<u32>(kData));
  std::memcpy(bytes.data() + kData, metadata().data(), metadata().size());
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

template <class T>
std::string changed(std::size_t at, T value) {
  std::string bytes = small_dll();
  put(bytes, at, value);
  return bytes;
}

TEST(PeImage, OfAModuleGivesItsMetadata) {
  const std::string bytes = small_dll();
  const ModuleRecord m = parse_module_image(bytes.data(), bytes.size());
  EXPECT_EQ(m.name, "winmod");
  EXPECT_EQ(m.abi, "itanium-mingw");
  EXPECT_EQ(m.types.at(0).name, "whpx-accel");
}

TEST(PeImage, TruncatedAtAnyByteIsTold) {
  const std::string whole = small_dll();
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::vector<char> bytes(whole.begin(), whole.begin() + size);
    EXPECT_THROW(parse_module_image(bytes.data(), bytes.size()), Error) << size;
  }
}

TEST(PeImage, OfAnotherProcessorIsTold) {
  EXPECT_EQ(message_of(changed(kPeOffset + 4, u16{0xaa64})),
            "built for Windows on processor 0xaa64; this program runs on x86-64");
}

TEST(PeImage, ThatIsAProgramIsNoModule) {
  EXPECT_EQ(message_of(changed(kPeOffset + 22, u16{0x22})),
            "an object file, but not a shared object");
}

TEST(PeImage, WithoutPeHeaderIsRefused) {
  EXPECT_EQ(message_of(changed(0x3c, u32{4})),
            "damaged: it begins like a Windows program, but has no PE header");
  EXPECT_NE(message_of(changed(0x3c, u32{0xffffffff})), "");
}

TEST(PeImage, WithImpossibleTablesIsRefused) {
  EXPECT_NE(message_of(changed(kPeOffset + 6, u16{0xffff})), "");
  EXPECT_NE(message_of(changed(kPeOffset + 20, u16{0xffff})), "");
  EXPECT_NE(message_of(changed(kPeOffset + 24, u16{0x10b})), "");
  EXPECT_NE(message_of(changed(kSectionTable + 16, u32{0xffffffff})), "");
  EXPECT_NE(message_of(changed(kSectionTable + 20, u32{0xffffffff})), "");
}

}  // namespace
}  // namespace backplane
