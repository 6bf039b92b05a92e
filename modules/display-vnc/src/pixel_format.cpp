// SPDX-License-Identifier: MIT
#include "pixel_format.h"

#include <bit>

namespace backplane::vnc {

PixelFormat PixelFormat::read(std::span<const u8, kSize> b) {
  const auto number = [&](std::size_t at) { return static_cast<u16>(b[at] << 8 | b[at + 1]); };
  return {.bits = b[0],
          .depth = b[1],
          .big_endian = b[2] != 0,
          .true_colour = b[3] != 0,
          .red_max = number(4),
          .green_max = number(6),
          .blue_max = number(8),
          .red_shift = b[10],
          .green_shift = b[11],
          .blue_shift = b[12]};
}

void PixelFormat::write(std::vector<u8>& to) const {
  const auto number = [&](u16 value) {
    to.push_back(static_cast<u8>(value >> 8));
    to.push_back(static_cast<u8>(value));
  };
  for (const u8 byte : {bits, depth, u8{big_endian}, u8{true_colour}}) to.push_back(byte);
  number(red_max);
  number(green_max);
  number(blue_max);
  for (const u8 byte : {red_shift, green_shift, blue_shift, u8{0}, u8{0}, u8{0}})
    to.push_back(byte);
}

bool PixelFormat::valid() const {
  const auto fits = [&](u16 max, u8 shift) {
    return max != 0 && (max & (max + 1)) == 0 && shift + std::bit_width(max) <= bits;
  };
  return (bits == 8 || bits == 16 || bits == 32) && true_colour && fits(red_max, red_shift) &&
         fits(green_max, green_shift) && fits(blue_max, blue_shift);
}

void PixelWriter::set(const PixelFormat& f) {
  u32 used = 0;
  const auto fill = [&](std::array<u32, 256>& table, u32 max, u8 shift) {
    for (u32 value = 0; value < 256; ++value) table[value] = ((value * max + 127) / 255) << shift;
    used |= max << shift;
  };
  fill(red_, f.red_max, f.red_shift);
  fill(green_, f.green_max, f.green_shift);
  fill(blue_, f.blue_max, f.blue_shift);
  big_endian_ = f.big_endian;
  bytes_ = f.bits / 8;
  plain_rgb_ =
      f.bits == 32 && f.depth == 24 && f.red_max == 255 && f.green_max == 255 && f.blue_max == 255;
  const bool low = (used & 0xff00'0000) == 0, high = (used & 0xff) == 0;
  const bool compact = f.bits == 32 && f.depth <= 24 && (low || high);
  compact_bytes_ = compact ? 3 : bytes_;
  compact_shift_ = compact && !low ? 8 : 0;
}

namespace {

void put_bytes(u32 value, unsigned bytes, bool big_endian, std::vector<u8>& to) {
  for (unsigned n = 0; n < bytes; ++n)
    to.push_back(static_cast<u8>(value >> (8 * (big_endian ? bytes - 1 - n : n))));
}

}  // namespace

void PixelWriter::put(u32 pixel, std::vector<u8>& to) const {
  put_bytes(converted(pixel), bytes_, big_endian_, to);
}

void PixelWriter::put_compact(u32 pixel, std::vector<u8>& to) const {
  put_bytes(converted(pixel) >> compact_shift_, compact_bytes_, big_endian_, to);
}

void PixelWriter::put_tight(u32 pixel, std::vector<u8>& to) const {
  if (!plain_rgb_) return put(pixel, to);
  for (const unsigned shift : {16U, 8U, 0U}) to.push_back(static_cast<u8>(pixel >> shift));
}

}  // namespace backplane::vnc
