// SPDX-License-Identifier: MIT
#include "encoder.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "colours.h"

namespace backplane::vnc {

namespace {

constexpr u32 kHextileSide = 16, kZrleSide = 64;

// [RFC 6143 §7.7.4 "Hextile Encoding"]
enum HextileBit : u8 {
  kTileRaw = 1,
  kBackground = 2,
  kForeground = 4,
  kSubrects = 8,
  kColoured = 16,
};
// [RFC 6143 §7.7.6 "ZRLE"]
constexpr u8 kPlainPixels = 0, kSolid = 1, kPlainRuns = 128;
constexpr std::size_t kMostColours = 16;  // of a packed palette

template <class Each>
void for_each_tile(const Rectangle& what, u32 side, Each each) {
  for (u32 y = 0; y < what.height; y += side)
    for (u32 x = 0; x < what.width; x += side)
      each(Rectangle{what.x + x, what.y + y, std::min(side, what.width - x),
                     std::min(side, what.height - y)});
}

}  // namespace

void put_u16(u32 value, std::vector<u8>& to) {
  to.push_back(static_cast<u8>(value >> 8));
  to.push_back(static_cast<u8>(value));
}

void put_u32(u32 value, std::vector<u8>& to) {
  put_u16(value >> 16, to);
  put_u16(value, to);
}

void put_rectangle(const Rectangle& what, i32 encoding, std::vector<u8>& to) {
  for (const u32 number : {what.x, what.y, what.width, what.height}) put_u16(number, to);
  put_u32(static_cast<u32>(encoding), to);
}

Encoder::~Encoder() {
  for (Stream* const stream : {&zlib_, &zrle_, &tight_[0], &tight_[1], &tight_[2]})
    if (stream->begun) deflateEnd(&stream->z);
}

void Encoder::add(const Picture& picture, const Rectangle& what, std::vector<u8>& to) {
  put_rectangle(what, encoding_, to);
  std::vector<u8> plain;
  switch (encoding_) {
    case kHextile:
      return hextile(picture, what, to);
    case kZlib:
      raw(picture, what, plain);
      return add_deflated(zlib_, plain, to);
    case kTight:
      return tight(picture, what, to);
    case kZrle:
      zrle(picture, what, plain);
      return add_deflated(zrle_, plain, to);
    default:
      return raw(picture, what, to);
  }
}

void Encoder::deflate_to(Stream& stream, const std::vector<u8>& bytes, std::vector<u8>& to) {
  if (!stream.begun) {
    stream.begun = deflateInit(&stream.z, Z_BEST_SPEED) == Z_OK;
    if (!stream.begun) throw std::bad_alloc();
  }
  stream.z.next_in = const_cast<Bytef*>(bytes.data());
  stream.z.avail_in = static_cast<uInt>(bytes.size());
  std::array<u8, 16384> piece;
  do {
    stream.z.next_out = piece.data();
    stream.z.avail_out = piece.size();
    deflate(&stream.z, Z_SYNC_FLUSH);
    to.insert(to.end(), piece.begin(), piece.end() - stream.z.avail_out);
  } while (stream.z.avail_out == 0);
}

void Encoder::add_deflated(Stream& stream, const std::vector<u8>& bytes, std::vector<u8>& to) {
  const std::size_t length_at = to.size();
  put_u32(0, to);
  deflate_to(stream, bytes, to);
  const std::size_t length = to.size() - length_at - 4;
  for (unsigned n = 0; n < 4; ++n) to[length_at + n] = static_cast<u8>(length >> (24 - 8 * n));
}

void Encoder::raw(const Picture& picture, const Rectangle& what, std::vector<u8>& to) const {
  to.reserve(to.size() + u64{what.width} * what.height * pixels_.bytes());
  for (u32 y = what.y; y < what.y + what.height; ++y)
    for (u32 x = what.x; x < what.x + what.width; ++x) pixels_.put(picture.at(x, y), to);
}

void Encoder::hextile(const Picture& picture, const Rectangle& what, std::vector<u8>& to) const {
  for_each_tile(what, kHextileSide, [&](const Rectangle& tile) {
    const std::vector<u32> colours = colours_of(picture, tile, 2);
    const std::size_t begin = to.size();
    to.push_back(kBackground);
    pixels_.put(colours[0], to);
    if (colours.size() == 1) return;
    const bool two = colours.size() == 2;
    to[begin] = static_cast<u8>(kBackground | kSubrects | (two ? kForeground : kColoured));
    if (two) pixels_.put(colours[1], to);
    const std::size_t count_at = to.size();
    to.push_back(0);
    u32 count = 0;
    for_each_run(picture, tile, [&](u32 colour, u32 x, u32 y, u32 length) {
      if (colour == colours[0] || ++count > 255) return;
      if (!two) pixels_.put(colour, to);
      to.push_back(static_cast<u8>(x << 4 | y));
      to.push_back(static_cast<u8>((length - 1) << 4));
    });
    to[count_at] = static_cast<u8>(count);
    const std::size_t plain = 1 + u64{tile.width} * tile.height * pixels_.bytes();
    if (count <= 255 && to.size() - begin < plain) return;
    to.resize(begin);
    to.push_back(kTileRaw);
    raw(picture, tile, to);
  });
}

void Encoder::zrle(const Picture& picture, const Rectangle& what, std::vector<u8>& to) const {
  for_each_tile(what, kZrleSide, [&](const Rectangle& tile) { zrle_tile(picture, tile, to); });
}

void Encoder::zrle_tile(const Picture& picture, const Rectangle& tile, std::vector<u8>& to) const {
  const std::vector<u32> colours = colours_of(picture, tile, kMostColours);
  if (colours.size() == 1) {
    to.push_back(kSolid);
    pixels_.put_compact(colours[0], to);
    return;
  }
  if (colours.size() <= kMostColours) {
    to.push_back(static_cast<u8>(colours.size()));
    for (const u32 colour : colours) pixels_.put_compact(colour, to);
    const unsigned bits = colours.size() <= 2 ? 1 : colours.size() <= 4 ? 2 : 4;
    for (u32 y = 0; y < tile.height; ++y) {
      u32 packed = 0, filled = 0;
      for (u32 x = 0; x < tile.width; ++x) {
        const auto index =
            std::find(colours.begin(), colours.end(), picture.at(tile.x + x, tile.y + y)) -
            colours.begin();
        packed = packed << bits | static_cast<u32>(index);
        filled += bits;
        if (filled == 8) to.push_back(static_cast<u8>(std::exchange(packed, 0U)));
        filled %= 8;
      }
      if (filled != 0) to.push_back(static_cast<u8>(packed << (8 - filled)));
    }
    return;
  }
  const std::size_t begin = to.size();
  to.push_back(kPlainRuns);
  for_each_run(picture, tile, [&](u32 colour, u32, u32, u32 length) {
    pixels_.put_compact(colour, to);
    to.push_back(static_cast<u8>(length - 1));  // 64 at most
  });
  if (to.size() - begin <= u64{tile.width} * tile.height * pixels_.compact_bytes()) return;
  to.resize(begin);
  to.push_back(kPlainPixels);
  for (u32 y = 0; y < tile.height; ++y)
    for (u32 x = 0; x < tile.width; ++x)
      pixels_.put_compact(picture.at(tile.x + x, tile.y + y), to);
}

}  // namespace backplane::vnc
