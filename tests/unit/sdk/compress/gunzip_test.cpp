// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>

#include "backplane/compress.h"
#include "backplane/error.h"
#include "backplane/testing/scratch_directory.h"

namespace backplane {
namespace {

constexpr u64 kPlenty = 64_MiB;

void append_le(std::vector<u8>& bytes, u32 value, unsigned count) {
  for (unsigned i = 0; i < count; ++i) bytes.push_back(static_cast<u8>(value >> (8 * i)));
}

u32 crc32_of(const std::vector<u8>& bytes) {
  u32 crc = ~u32{0};
  for (const u8 byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ ((crc & 1) != 0 ? 0xedb88320 : 0);
  }
  return ~crc;
}

// A gzip file without compression: stored blocks only [RFC 1951 "Non-compressed blocks"].
std::vector<u8> gzip_stored(const std::vector<u8>& bytes) {
  std::vector<u8> file{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
  std::size_t at = 0;
  do {
    const std::size_t size = std::min<std::size_t>(bytes.size() - at, 0xffff);
    file.push_back(at + size == bytes.size() ? 1 : 0);
    append_le(file, static_cast<u32>(size), 2);
    append_le(file, ~static_cast<u32>(size), 2);
    const auto from = bytes.begin() + static_cast<std::ptrdiff_t>(at);
    file.insert(file.end(), from, from + static_cast<std::ptrdiff_t>(size));
    at += size;
  } while (at < bytes.size());
  append_le(file, crc32_of(bytes), 4);
  append_le(file, static_cast<u32>(bytes.size()), 4);
  return file;
}

std::vector<u8> pattern(std::size_t size) {
  std::vector<u8> bytes(size);
  u32 state = 1;
  for (u8& byte : bytes) byte = static_cast<u8>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

std::string message_of(const std::function<void()>& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

std::string refusal(const std::vector<u8>& file, u64 maximum = kPlenty) {
  return message_of([&] { gunzip(file, maximum, "vmlinux.gz"); });
}

// 5000 times "backplane ", compressed.
const std::vector<u8> kCompressed = {
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0xed, 0xc6, 0xb1, 0x0d, 0x00,
    0x20, 0x08, 0x00, 0xb0, 0x57, 0x7c, 0x0d, 0x0c, 0x13, 0x86, 0xf8, 0xff, 0xe4, 0x1f, 0xa6,
    0x9d, 0x9a, 0xb1, 0xfb, 0x9e, 0x98, 0x5a, 0x69, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66,
    0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x1f,
    0xec, 0x01, 0x0d, 0x08, 0x26, 0x62, 0x50, 0xc3, 0x00, 0x00,
};

TEST(Gunzip, Decompresses) {
  const auto bytes = gunzip(kCompressed, kPlenty, "x");
  ASSERT_EQ(bytes.size(), 50'000u);
  for (std::size_t i = 0; i < bytes.size(); ++i) ASSERT_EQ(bytes[i], "backplane "[i % 10]);
}

TEST(Gunzip, DecompressesMoreThanItsFirstBuffer) {
  const auto bytes = pattern(5'000'000);
  EXPECT_EQ(gunzip(gzip_stored(bytes), kPlenty, "x"), bytes);
}

TEST(Gunzip, NothingCompressedIsNothing) { EXPECT_TRUE(gunzip(gzip_stored({}), 0, "x").empty()); }

TEST(Gunzip, JoinsSeveralFilesAndIgnoresWhatFollows) {
  auto file = gzip_stored({1, 2});
  const auto second = gzip_stored({3});
  file.insert(file.end(), second.begin(), second.end());
  file.insert(file.end(), {0, 0, 0x1f});
  EXPECT_EQ(gunzip(file, kPlenty, "x"), (std::vector<u8>{1, 2, 3}));
}

TEST(Gunzip, GoesUpToTheMaximumAndNotBeyond) {
  const auto bytes = pattern(1000);
  EXPECT_EQ(gunzip(gzip_stored(bytes), 1000, "x"), bytes);
  EXPECT_EQ(refusal(gzip_stored(bytes), 999),
            "vmlinux.gz is larger than 999 bytes when decompressed");
  EXPECT_EQ(refusal(kCompressed, 1), "vmlinux.gz is larger than 1 bytes when decompressed");
}

TEST(Gunzip, RefusesWhatIsNotGzip) {
  EXPECT_EQ(refusal({}), "vmlinux.gz is not compressed with gzip");
  EXPECT_EQ(refusal({0x1f, 0x8b}), "vmlinux.gz is not compressed with gzip");
}

TEST(Gunzip, SaysThatAFileIsCutOffWhereverItIs) {
  const auto whole = gzip_stored(pattern(300));
  for (std::size_t size = 3; size < whole.size(); ++size)
    ASSERT_EQ(refusal({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}),
              "vmlinux.gz is cut off: its compressed data ends early")
        << size;
}

TEST(Gunzip, SaysThatAFileIsDamaged) {
  auto file = gzip_stored(pattern(300));
  file[100] ^= 1;
  EXPECT_EQ(refusal(file), "vmlinux.gz is damaged: incorrect data check");
}

TEST(Gunzip, SurvivesEveryDamagedByte) {
  for (std::size_t i = 0; i < kCompressed.size(); ++i)
    for (const u8 flip : {0x01, 0x80, 0xff}) {
      auto file = kCompressed;
      file[i] ^= flip;
      try {
        gunzip(file, 100'000, "x");
      } catch (const Error&) {
      }
    }
}

class ReadFileTest : public ::testing::Test {
 protected:
  void fill(const std::vector<u8>& bytes) const {
    std::ofstream(path, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
  }

  const testing::ScratchDirectory directory;
  const std::string path = directory / "file";
};

TEST_F(ReadFileTest, ReadsAFileAsItIsOrDecompressed) {
  const auto bytes = pattern(200'000);
  fill(bytes);
  EXPECT_EQ(read_file_gunzipped(path, kPlenty), bytes);
  fill(gzip_stored(bytes));
  EXPECT_EQ(read_file_gunzipped(path, kPlenty), bytes);
  fill({});
  EXPECT_TRUE(read_file_gunzipped(path, kPlenty).empty());
}

TEST_F(ReadFileTest, ReadsFilesThatHaveNoSize) {
  EXPECT_FALSE(read_file_gunzipped("/proc/self/maps", kPlenty).empty());
}

TEST_F(ReadFileTest, RefusesWhatItCannotRead) {
  fill(pattern(100));
  EXPECT_EQ(message_of([&] { read_file_gunzipped(path, 99); }), path + " is larger than 99 bytes");
  EXPECT_EQ(message_of([&] { read_file_gunzipped("/tmp", kPlenty); }),
            "/tmp is a directory: expects a file");
  EXPECT_EQ(message_of([&] { read_file_gunzipped(path + "x", kPlenty); }),
            "cannot open " + path + "x: No such file or directory");
}

}  // namespace
}  // namespace backplane
