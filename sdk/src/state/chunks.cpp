// SPDX-License-Identifier: MIT
#include "state/chunks.h"

#include <zlib.h>

#include <algorithm>
#include <array>

#include "backplane/error.h"

namespace backplane {

namespace {

constexpr std::array<u8, 8> kMagic{'B', 'P', 'S', 'T', 'A', 'T', 'E', '\n'};
using Start = std::array<u8, kMagic.size() + 4>;

// Of a chunk: kind (4 bytes) and length (8) before it, CRC-32 of all of that after it.
using Leader = std::array<u8, 12>;
using Trailer = std::array<u8, 4>;

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
    case StateChunk::Objects:
      return 64_MiB;
    case StateChunk::Ram:
    case StateChunk::PackedRam:
      return 2_MiB;
    case StateChunk::Header:
      return 64_KiB;
    case StateChunk::Contents:
    case StateChunk::ZeroRam:
    case StateChunk::Refused:
      return 4_KiB;
    case StateChunk::Go:
      return 1;
    case StateChunk::End:
    case StateChunk::Accepted:
    case StateChunk::Ready:
    case StateChunk::Running:
      break;
  }
  return 0;
}

}  // namespace

void ChunkWriter::begin() {
  Start start;
  std::copy(kMagic.begin(), kMagic.end(), start.begin());
  store(start.data() + kMagic.size(), kStateFormat, 4);
  out_.put(start);
}

void ChunkWriter::write(StateChunk kind, std::span<const u8> first, std::span<const u8> second) {
  Leader leader;
  store(leader.data(), static_cast<u32>(kind), 4);
  store(leader.data() + 4, first.size() + second.size(), 8);
  Trailer trailer;
  store(trailer.data(), crc_of(crc_of(crc_of(0, leader), first), second), 4);
  // In few pieces, each of which may become a packet.
  std::vector<u8> head(leader.begin(), leader.end());
  head.insert(head.end(), first.begin(), first.end());
  if (second.empty()) head.insert(head.end(), trailer.begin(), trailer.end());
  out_.put(head);
  if (second.empty()) return;
  out_.put(second);
  out_.put(trailer);
}

void ChunkReader::begin() {
  Start start;
  in_.get(start);
  if (!std::equal(kMagic.begin(), kMagic.end(), start.begin()))
    throw Error::of("{}: is no saved machine", name_);
  const u64 version = load(start.data() + kMagic.size(), 4);
  if (version < kOldestStateFormat || version > kStateFormat)
    throw Error::of("{}: has format version {}; this program reads versions {} to {}", name_,
                    version, kOldestStateFormat, kStateFormat);
}

ChunkReader::Chunk ChunkReader::next() {
  Leader leader;
  in_.get(leader);
  const auto kind = static_cast<StateChunk>(load(leader.data(), 4));
  const u64 size = load(leader.data() + 4, 8);
  if (size > most_of(kind)) throw Error::of("{}: is damaged", name_);
  buffer_.resize(size);
  in_.get(buffer_);
  Trailer trailer;
  in_.get(trailer);
  if (load(trailer.data(), 4) != crc_of(crc_of(0, leader), buffer_))
    throw Error::of("{}: is damaged", name_);
  return {kind, buffer_};
}

}  // namespace backplane
