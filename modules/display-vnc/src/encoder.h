// SPDX-License-Identifier: MIT
// Rectangles of a screen in the encodings of RFB. [RFC 6143 §7.7 "Encodings"]
#pragma once

#include <zlib.h>

#include <array>
#include <memory>
#include <vector>

#include "backplane/display.h"
#include "pixel_format.h"

namespace backplane::vnc {

enum Encoding : i32 {
  kRaw = 0,
  kHextile = 5,
  kZlib = 6,
  kTight = 7,
  kZrle = 16,
  kDesktopSize = -223,
  kPointerMotionChange = -257,
  kExtendedKeyEvent = -258,
  kExtendedDesktopSize = -308,
};

// What a client sees of a screen, which may be of another size: black beyond its edge.
class Picture {
 public:
  Picture(const Screen* screen) : screen_(screen) {}
  u32 at(u32 x, u32 y) const {
    if (screen_ == nullptr || y >= screen_->height() || x >= screen_->width()) return 0;
    return screen_->row(y)[x];
  }

 private:
  const Screen* screen_;
};

// For one client: it keeps the state of compression from one rectangle to the next.
class Encoder {
 public:
  Encoder() = default;
  ~Encoder();
  Encoder(const Encoder&) = delete;
  Encoder& operator=(const Encoder&) = delete;

  static bool knows(i32 encoding) {
    return encoding == kRaw || encoding == kHextile || encoding == kZlib || encoding == kTight ||
           encoding == kZrle;
  }
  // In rectangles that the encoding can have.
  std::vector<Rectangle> cut(const std::vector<Rectangle>& rectangles) const;
  void choose(Encoding encoding) { encoding_ = encoding; }
  Encoding chosen() const { return encoding_; }
  PixelWriter& pixels() { return pixels_; }

  // Adds a rectangle's header and what is in it.
  void add(const Picture& picture, const Rectangle& what, std::vector<u8>& to);

 private:
  struct Stream {
    z_stream z{};
    bool begun = false;
  };
  void raw(const Picture& picture, const Rectangle& what, std::vector<u8>& to) const;
  void hextile(const Picture& picture, const Rectangle& what, std::vector<u8>& to) const;
  void tight(const Picture& picture, const Rectangle& what, std::vector<u8>& to);
  // Behind its length, or as they are if they are few.
  static void add_tight_data(Stream& stream, const std::vector<u8>& bytes, std::vector<u8>& to);
  void zrle_tile(const Picture& picture, const Rectangle& tile, std::vector<u8>& to) const;
  void zrle(const Picture& picture, const Rectangle& what, std::vector<u8>& to) const;
  static void deflate_to(Stream& stream, const std::vector<u8>& bytes, std::vector<u8>& to);
  // Compressed, behind its length.
  static void add_deflated(Stream& stream, const std::vector<u8>& bytes, std::vector<u8>& to);

  Encoding encoding_ = kRaw;
  PixelWriter pixels_;
  Stream zlib_, zrle_;
  std::array<Stream, 3> tight_;  // of pixels, of two colours, of more
};

void put_u16(u32 value, std::vector<u8>& to);
void put_u32(u32 value, std::vector<u8>& to);
void put_rectangle(const Rectangle& what, i32 encoding, std::vector<u8>& to);

}  // namespace backplane::vnc
