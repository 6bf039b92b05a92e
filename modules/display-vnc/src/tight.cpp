// SPDX-License-Identifier: MIT
// The encoding that browsers like best, without its pictures that lose something.
// [RFB-extensions "Tight Encoding"]
#include <algorithm>
#include <utility>

#include "colours.h"
#include "encoder.h"

namespace backplane::vnc {

namespace {

constexpr u32 kMostWidth = 2048;
constexpr u32 kMostArea = u32{1} << 19;          // of 4 bytes: a length has 22 bits
constexpr std::size_t kMostPaletteColours = 16;  // that are looked for
constexpr std::size_t kLeastCompressed = 12;
enum ControlByte : u8 { kExplicitFilter = 0x40, kFill = 0x80 };
constexpr u8 kPaletteFilter = 1;
enum StreamNumber : u8 { kPixelStream = 0, kTwoColourStream = 1, kPaletteStream = 2 };

void put_compact_length(std::size_t length, std::vector<u8>& to) {
  for (unsigned n = 0; n < 2 && length >= 0x80; ++n, length >>= 7)
    to.push_back(static_cast<u8>(length | 0x80));
  to.push_back(static_cast<u8>(length));
}

}  // namespace

std::vector<Rectangle> Encoder::cut(const std::vector<Rectangle>& rectangles) const {
  if (encoding_ != kTight) return rectangles;
  std::vector<Rectangle> pieces;
  for (const Rectangle& whole : rectangles)
    for (u32 x = 0; x < whole.width; x += kMostWidth) {
      const u32 width = std::min(kMostWidth, whole.width - x), rows = kMostArea / width;
      for (u32 y = 0; y < whole.height; y += rows)
        pieces.push_back({whole.x + x, whole.y + y, width, std::min(rows, whole.height - y)});
    }
  return pieces;
}

void Encoder::add_tight_data(Stream& stream, const std::vector<u8>& bytes, std::vector<u8>& to) {
  if (bytes.size() < kLeastCompressed) {
    to.insert(to.end(), bytes.begin(), bytes.end());
    return;
  }
  std::vector<u8> packed;
  deflate_to(stream, bytes, packed);
  put_compact_length(packed.size(), to);
  to.insert(to.end(), packed.begin(), packed.end());
}

void Encoder::tight(const Picture& picture, const Rectangle& what, std::vector<u8>& to) {
  const std::vector<u32> colours = colours_of(picture, what, kMostPaletteColours);
  if (colours.size() == 1) {
    to.push_back(kFill);
    return pixels_.put_tight(colours[0], to);
  }
  std::vector<u8> plain;
  if (colours.size() > kMostPaletteColours) {
    for (u32 y = what.y; y < what.y + what.height; ++y)
      for (u32 x = what.x; x < what.x + what.width; ++x) pixels_.put_tight(picture.at(x, y), plain);
    to.push_back(kPixelStream << 4);
    return add_tight_data(tight_[kPixelStream], plain, to);
  }
  const StreamNumber stream = colours.size() == 2 ? kTwoColourStream : kPaletteStream;
  to.push_back(static_cast<u8>(stream << 4 | kExplicitFilter));
  to.push_back(kPaletteFilter);
  to.push_back(static_cast<u8>(colours.size() - 1));
  for (const u32 colour : colours) pixels_.put_tight(colour, to);
  for (u32 y = what.y; y < what.y + what.height; ++y) {
    u32 bits = 0, filled = 0;
    for (u32 x = what.x; x < what.x + what.width; ++x) {
      const auto index = static_cast<u32>(
          std::find(colours.begin(), colours.end(), picture.at(x, y)) - colours.begin());
      if (stream == kPaletteStream) {
        plain.push_back(static_cast<u8>(index));
        continue;
      }
      bits = bits << 1 | index;
      if (++filled == 8) plain.push_back(static_cast<u8>(std::exchange(bits, 0U)));
      filled %= 8;
    }
    if (filled != 0) plain.push_back(static_cast<u8>(bits << (8 - filled)));
  }
  add_tight_data(tight_[stream], plain, to);
}

}  // namespace backplane::vnc
