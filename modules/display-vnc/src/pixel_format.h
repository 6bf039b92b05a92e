// SPDX-License-Identifier: MIT
// Pixels as a client wants them. [RFC 6143 §7.4 "Pixel Format Data Structure"]
#pragma once

#include <array>
#include <span>
#include <vector>

#include "backplane/types.h"

namespace backplane::vnc {

struct PixelFormat {
  static constexpr std::size_t kSize = 16;  // bytes on the wire

  u8 bits = 32;
  u8 depth = 24;
  bool big_endian = false;
  bool true_colour = true;
  u16 red_max = 255, green_max = 255, blue_max = 255;
  u8 red_shift = 16, green_shift = 8, blue_shift = 0;

  static PixelFormat read(std::span<const u8, kSize> bytes);
  void write(std::vector<u8>& to) const;
  // Whether there can be such pixels.
  bool valid() const;
};

// Turns pixels of a screen into those of a format.
class PixelWriter {
 public:
  PixelWriter() { set(PixelFormat()); }
  // The format is valid.
  void set(const PixelFormat& format);

  unsigned bytes() const { return bytes_; }
  // ZRLE leaves out a byte that is always zero. [RFC 6143 §7.7.5]
  unsigned compact_bytes() const { return compact_bytes_; }
  void put(u32 pixel, std::vector<u8>& to) const;
  void put_compact(u32 pixel, std::vector<u8>& to) const;
  // Tight has three bytes in an order of its own for the usual format. [RFB-extensions "Tight
  // Encoding"]
  void put_tight(u32 pixel, std::vector<u8>& to) const;

 private:
  u32 converted(u32 pixel) const {
    return red_[pixel >> 16 & 0xff] | green_[pixel >> 8 & 0xff] | blue_[pixel & 0xff];
  }

  std::array<u32, 256> red_{}, green_{}, blue_{};
  unsigned bytes_ = 4, compact_bytes_ = 3, compact_shift_ = 0;
  bool big_endian_ = false;
  bool plain_rgb_ = true;  // 24 bits in 32
};

}  // namespace backplane::vnc
