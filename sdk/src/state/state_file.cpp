// SPDX-License-Identifier: MIT
#include "state/state_file.h"

#include <zlib.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "backplane/error.h"
#include "backplane/memory.h"

namespace backplane {

namespace {

constexpr std::array<u8, 8> kMagic{'B', 'P', 'S', 'T', 'A', 'T', 'E', '\n'};
constexpr u32 kFormatVersion = 1;
// Of a chunk: kind (4 bytes) and length (8) before it, CRC-32 of all of that after it.
constexpr std::size_t kLeader = 12, kTrailer = 4;

using Leader = std::array<u8, kLeader>;

void store(u8* at, u64 value, unsigned bytes) {
  for (unsigned i = 0; i < bytes; ++i) at[i] = static_cast<u8>(value >> (8 * i));
}

u64 load(const u8* at, unsigned bytes) {
  u64 value = 0;
  for (unsigned i = 0; i < bytes; ++i) value |= u64{at[i]} << (8 * i);
  return value;
}

u32 crc_of(u32 crc, std::span<const u8> bytes) {
  // zlib takes a null pointer, which an empty span may have, for the wish to begin anew.
  return bytes.empty() ? crc : static_cast<u32>(crc32_z(crc, bytes.data(), bytes.size()));
}

// So that a damaged length asks for no memory that there is not.
u64 most_of(StateChunk kind) {
  switch (kind) {
    case StateChunk::Header:
      return 64_KiB;
    case StateChunk::Objects:
      return 64_MiB;
    case StateChunk::Ram:
      return 2_MiB;
    case StateChunk::End:
      return 0;
  }
  return 0;
}

}  // namespace

StateFileWriter::StateFileWriter(std::filesystem::path file) : file_(std::move(file)) {
  std::error_code unknown;
  const std::filesystem::file_status status = std::filesystem::status(file_, unknown);
  // A pipe or a device is there to be written to; a file keeps what it has until there is better.
  if (!std::filesystem::exists(status) || std::filesystem::is_regular_file(status)) {
    if (std::filesystem::exists(status)) file_ = std::filesystem::canonical(file_, unknown);
    unfinished_ = file_;
    unfinished_ += ".part";
  }
  out_.reset(std::fopen((unfinished_.empty() ? file_ : unfinished_).string().c_str(), "wb"));
  if (out_ == nullptr) fail(errno);
  std::array<u8, 12> start;
  std::copy(kMagic.begin(), kMagic.end(), start.begin());
  store(start.data() + kMagic.size(), kFormatVersion, 4);
  put(start);
}

StateFileWriter::~StateFileWriter() {
  if (out_ == nullptr) return;
  out_.reset();
  remove_unfinished();
}

void StateFileWriter::remove_unfinished() const {
  std::error_code ignored;
  if (!unfinished_.empty()) std::filesystem::remove(unfinished_, ignored);
}

void StateFileWriter::fail(int error) const { throw Error::system(file_.string(), error); }

void StateFileWriter::put(std::span<const u8> bytes) {
  if (!bytes.empty() && std::fwrite(bytes.data(), bytes.size(), 1, out_.get()) != 1) fail(errno);
}

void StateFileWriter::write(StateChunk kind, std::span<const u8> first,
                            std::span<const u8> second) {
  Leader leader;
  store(leader.data(), static_cast<u32>(kind), 4);
  store(leader.data() + 4, first.size() + second.size(), 8);
  std::array<u8, kTrailer> trailer;
  store(trailer.data(), crc_of(crc_of(crc_of(0, leader), first), second), 4);
  for (const std::span<const u8> part : {std::span<const u8>(leader), first, second}) put(part);
  put(trailer);
}

void StateFileWriter::finish() {
  write(StateChunk::End, {});
  if (std::fclose(out_.release()) != 0) {
    const int error = errno;
    remove_unfinished();
    fail(error);
  }
  if (unfinished_.empty()) return;
  std::error_code problem;
  std::filesystem::rename(unfinished_, file_, problem);
  if (problem) fail(problem.value());
}

StateFileReader::StateFileReader(const std::filesystem::path& file) : name_(file.string()) {
  if (const int error = file_.open(file)) throw Error::system(name_, error);
  if (file_.kind() == HostFile::Kind::Directory) throw Error::system(name_, EISDIR);
  std::array<u8, 12> start;
  const i64 got = file_.read_next(start.data(), start.size());
  if (got < 0) throw Error::system(name_, static_cast<int>(-got));
  if (got != static_cast<i64>(start.size()) ||
      !std::equal(kMagic.begin(), kMagic.end(), start.begin()))
    throw Error::of("{}: is no saved machine", name_);
  if (const u64 version = load(start.data() + kMagic.size(), 4); version != kFormatVersion)
    throw Error::of("{}: has format version {}; this program reads version {}", name_, version,
                    kFormatVersion);
}

void StateFileReader::read(void* data, u64 size) {
  for (u64 done = 0; done < size;) {
    const i64 got = file_.read_next(static_cast<u8*>(data) + done, size - done);
    if (got < 0) throw Error::system(name_, static_cast<int>(-got));
    if (got == 0) throw Error::of("{}: ends too early: it is not complete", name_);
    done += static_cast<u64>(got);
  }
}

StateFileReader::Chunk StateFileReader::next() {
  Leader leader;
  read(leader.data(), leader.size());
  const auto kind = static_cast<StateChunk>(load(leader.data(), 4));
  const u64 size = load(leader.data() + 4, 8);
  if (size > most_of(kind)) throw Error::of("{}: is damaged", name_);
  buffer_.resize(size);
  read(buffer_.data(), size);
  std::array<u8, kTrailer> trailer;
  read(trailer.data(), trailer.size());
  if (load(trailer.data(), 4) != crc_of(crc_of(0, leader), buffer_))
    throw Error::of("{}: is damaged", name_);
  return {kind, buffer_};
}

void StateFileReader::expect_end() {
  u8 byte;
  if (file_.read_next(&byte, 1) != 0) throw Error::of("{}: goes on after its end", name_);
}

}  // namespace backplane
