// SPDX-License-Identifier: MIT
#include "zstd_frame.h"

namespace backplane::qcow2 {

namespace {

constexpr u32 kFrameMagic = 0xfd2fb528;
constexpr unsigned kChecksumFlag = 1 << 2;
constexpr unsigned kSingleSegmentFlag = 1 << 5;

enum BlockType : unsigned { kRawBlock, kRleBlock, kCompressedBlock, kReservedBlock };

u32 little_endian(std::span<const u8> data, std::size_t at, unsigned size) {
  u32 value = 0;
  for (unsigned i = 0; i < size; ++i) value |= u32{data[at + i]} << (8 * i);
  return value;
}

// Bytes of the frame's header that begins with that descriptor.
std::size_t header_size(u8 descriptor) {
  constexpr unsigned kDictionaryIdSizes[] = {0, 1, 2, 4};
  constexpr unsigned kContentSizes[] = {0, 2, 4, 8};
  const bool single_segment = (descriptor & kSingleSegmentFlag) != 0;
  const unsigned content = descriptor >> 6;
  return sizeof(u32) + 1 + (single_segment ? 0 : 1) + kDictionaryIdSizes[descriptor & 3] +
         (content == 0 && single_segment ? 1 : kContentSizes[content]);
}

}  // namespace

std::size_t zstd_frame_size(std::span<const u8> data) {
  constexpr std::size_t kBlockHeader = 3;
  if (data.size() < sizeof(u32) + 1 || little_endian(data, 0, sizeof(u32)) != kFrameMagic) return 0;
  const u8 descriptor = data[sizeof(u32)];
  std::size_t at = header_size(descriptor);
  for (bool last = false; !last;) {
    if (at > data.size() || data.size() - at < kBlockHeader) return 0;
    const u32 block = little_endian(data, at, kBlockHeader);
    last = (block & 1) != 0;
    const unsigned type = block >> 1 & 3;
    if (type == kReservedBlock) return 0;
    at += kBlockHeader + (type == kRleBlock ? 1 : block >> 3);
  }
  if ((descriptor & kChecksumFlag) != 0) at += sizeof(u32);
  return at <= data.size() ? at : 0;
}

}  // namespace backplane::qcow2
