// SPDX-License-Identifier: MIT
// What is encoded is decoded again, as RFC 6143 says that a viewer does.
#include "encoder.h"

#include <gtest/gtest.h>

#include <array>
#include <map>
#include <random>

#include "dirty_tiles.h"

namespace backplane::vnc {
namespace {

using Pixels = std::map<std::pair<u32, u32>, u32>;

class Reader {
 public:
  explicit Reader(std::vector<u8> bytes) : bytes_(std::move(bytes)) {}
  u32 number(unsigned bytes) {
    u32 value = 0;
    for (unsigned n = 0; n < bytes; ++n) value = value << 8 | bytes_.at(at_++);
    return value;
  }
  u32 little(unsigned bytes) {
    u32 value = 0;
    for (unsigned n = 0; n < bytes; ++n) value |= u32{bytes_.at(at_++)} << (8 * n);
    return value;
  }
  std::vector<u8> rest() {
    return {bytes_.begin() + static_cast<std::ptrdiff_t>(at_), bytes_.end()};
  }
  bool at_end() const { return at_ == bytes_.size(); }

 private:
  std::vector<u8> bytes_;
  std::size_t at_ = 0;
};

template <class Each>
void for_each_pixel(const Rectangle& what, Each each) {
  for (u32 y = what.y; y < what.y + what.height; ++y)
    for (u32 x = what.x; x < what.x + what.width; ++x) each(x, y);
}

void decode_raw(Reader& in, const Rectangle& what, Pixels& out, unsigned bytes = 4) {
  for_each_pixel(what, [&](u32 x, u32 y) { out[{x, y}] = in.little(bytes); });
}

void decode_hextile(Reader& in, const Rectangle& what, Pixels& out) {
  u32 background = 0, foreground = 0;
  for (u32 ty = 0; ty < what.height; ty += 16)
    for (u32 tx = 0; tx < what.width; tx += 16) {
      const Rectangle tile{what.x + tx, what.y + ty, std::min(16U, what.width - tx),
                           std::min(16U, what.height - ty)};
      const u32 mask = in.number(1);
      if ((mask & 1) != 0) {
        decode_raw(in, tile, out);
        continue;
      }
      if ((mask & 2) != 0) background = in.little(4);
      if ((mask & 4) != 0) foreground = in.little(4);
      for_each_pixel(tile, [&](u32 x, u32 y) { out[{x, y}] = background; });
      for (u32 left = (mask & 8) != 0 ? in.number(1) : 0; left != 0; --left) {
        const u32 colour = (mask & 16) != 0 ? in.little(4) : foreground;
        const u32 place = in.number(1), size = in.number(1);
        for_each_pixel(
            {tile.x + (place >> 4), tile.y + (place & 15), (size >> 4) + 1, (size & 15) + 1},
            [&](u32 x, u32 y) {
              out[{x, y}] = colour;
            });
      }
    }
}

void decode_zrle_tile(Reader& in, const Rectangle& tile, Pixels& out) {
  const u32 kind = in.number(1);
  if (kind == 0) return decode_raw(in, tile, out, 3);
  if (kind == 128) {
    u32 left = 0, colour = 0;
    for_each_pixel(tile, [&](u32 x, u32 y) {
      if (left == 0) {
        colour = in.little(3);
        u32 part = 255;
        for (left = 1; part == 255; left += part) part = in.number(1);
      }
      --left;
      out[{x, y}] = colour;
    });
    return;
  }
  ASSERT_LE(kind, 16U);
  std::vector<u32> palette;
  for (u32 n = 0; n < kind; ++n) palette.push_back(in.little(3));
  const u32 bits = kind == 1 ? 0 : kind == 2 ? 1 : kind <= 4 ? 2 : 4;
  for (u32 y = 0; y < tile.height; ++y) {
    u32 byte = 0, left = 0;
    for (u32 x = 0; x < tile.width; ++x) {
      if (bits != 0 && left == 0) {
        byte = in.number(1);
        left = 8;
      }
      left -= bits;
      out[{tile.x + x, tile.y + y}] = palette.at(bits == 0 ? 0 : byte >> left & ((1U << bits) - 1));
    }
  }
}

// Inflates the stream that goes on from one rectangle to the next.
class Inflater {
 public:
  Inflater() { inflateInit(&z_); }
  ~Inflater() { inflateEnd(&z_); }
  std::vector<u8> operator()(std::vector<u8> bytes) {
    std::vector<u8> out(8 << 20);
    z_.next_in = bytes.data();
    z_.avail_in = static_cast<uInt>(bytes.size());
    z_.next_out = out.data();
    z_.avail_out = static_cast<uInt>(out.size());
    EXPECT_EQ(inflate(&z_, Z_SYNC_FLUSH), Z_OK);
    out.resize(out.size() - z_.avail_out);
    return out;
  }

 private:
  z_stream z_{};
};

// One stream for each number.
class TightDecoder {
 public:
  void operator()(Reader& in, const Rectangle& what, Pixels& out) {
    const u32 control = in.number(1);
    if (control == 0x80) {
      const u32 colour = in.number(3);
      return for_each_pixel(what, [&](u32 x, u32 y) { out[{x, y}] = colour; });
    }
    ASSERT_EQ(control & 0x8f, 0U);
    std::vector<u32> palette;
    if ((control & 0x40) != 0) {
      EXPECT_EQ(in.number(1), 1U);
      for (u32 left = in.number(1) + 1; left != 0; --left) palette.push_back(in.number(3));
    }
    const u32 row = palette.empty()       ? what.width * 3
                    : palette.size() == 2 ? (what.width + 7) / 8
                                          : what.width;
    Reader plain(data(in, streams_.at(control >> 4 & 3), u64{row} * what.height));
    for (u32 y = 0; y < what.height; ++y) {
      u32 bits = 0;
      for (u32 x = 0; x < what.width; ++x) {
        u32& pixel = out[{what.x + x, what.y + y}];
        if (palette.size() == 2) {
          if (x % 8 == 0) bits = plain.number(1);
          pixel = palette[bits >> (7 - x % 8) & 1];
        } else {
          pixel = palette.empty() ? plain.number(3) : palette.at(plain.number(1));
        }
      }
    }
    EXPECT_TRUE(plain.at_end());
  }

 private:
  static std::vector<u8> data(Reader& in, Inflater& inflated, u64 size) {
    u32 length = static_cast<u32>(size);
    if (size >= 12) {
      length = 0;
      for (unsigned shift = 0; shift <= 14; shift += 7) {
        const u32 part = in.number(1);
        length |= (shift == 14 ? part : part & 0x7f) << shift;
        if (shift < 14 && part < 0x80) break;
      }
    }
    std::vector<u8> bytes;
    for (u32 n = 0; n < length; ++n) bytes.push_back(static_cast<u8>(in.number(1)));
    return size >= 12 ? inflated(bytes) : bytes;
  }
  std::array<Inflater, 3> streams_;
};

Pixels decode(std::vector<u8> bytes, Inflater& inflated, TightDecoder& tight) {
  Reader in(std::move(bytes));
  Rectangle what;
  what.x = in.number(2);
  what.y = in.number(2);
  what.width = in.number(2);
  what.height = in.number(2);
  Pixels out;
  switch (in.number(4)) {
    case kRaw:
      decode_raw(in, what, out);
      break;
    case kHextile:
      decode_hextile(in, what, out);
      break;
    case kTight:
      tight(in, what, out);
      break;
    case kZlib: {
      const u32 length = in.number(4);
      EXPECT_EQ(length, in.rest().size());
      Reader plain(inflated(in.rest()));
      decode_raw(plain, what, out);
      EXPECT_TRUE(plain.at_end());
      return out;
    }
    default: {
      const u32 length = in.number(4);
      EXPECT_EQ(length, in.rest().size());
      Reader plain(inflated(in.rest()));
      for (u32 y = 0; y < what.height; y += 64)
        for (u32 x = 0; x < what.width; x += 64)
          decode_zrle_tile(plain,
                           {what.x + x, what.y + y, std::min(64U, what.width - x),
                            std::min(64U, what.height - y)},
                           out);
      EXPECT_TRUE(plain.at_end());
      return out;
    }
  }
  EXPECT_TRUE(in.at_end());
  return out;
}

class EncoderTest : public ::testing::TestWithParam<Encoding> {};

TEST_P(EncoderTest, ShowsWhatIsThere) {
  constexpr u32 kWidth = 150, kHeight = 90;
  Screen screen([] {});
  screen.resize(kWidth, kHeight);
  std::mt19937 random(1);
  Encoder encoder;
  encoder.choose(GetParam());
  Inflater inflated;
  TightDecoder tight;
  // Of 1, 2, 3, ... colours, then of any.
  for (const u32 colours : {1, 2, 3, 5, 16, 17, 100'000}) {
    for (u32 y = 0; y < kHeight; ++y) {
      std::vector<u32> row(kWidth);
      u32 colour = 0;
      for (u32& pixel : row) {
        if (random() % 3 == 0 || colours > 1000) colour = random() % colours * 0x123457;
        pixel = colour & 0xffffff;
      }
      screen.put_row(y, row);
    }
    for (const Rectangle& what :
         {Rectangle{7, 5, kWidth - 7, kHeight - 5}, Rectangle{7, 5, 3, 1}}) {
      std::vector<u8> bytes;
      encoder.add(Picture(&screen), what, bytes);
      const Pixels seen = decode(bytes, inflated, tight);
      for_each_pixel(what, [&](u32 x, u32 y) {
        ASSERT_EQ(seen.at({x, y}), screen.row(y)[x]) << x << "," << y << " of " << colours;
      });
    }
  }
}

TEST(Encoder, CutsWhatIsTooWideForTight) {
  Encoder encoder;
  const std::vector<Rectangle> wide{{1, 2, 4096, 3}};
  EXPECT_EQ(encoder.cut(wide), wide);
  encoder.choose(kTight);
  EXPECT_EQ(encoder.cut(wide), (std::vector<Rectangle>{{1, 2, 2048, 3}, {2049, 2, 2048, 3}}));
  // A length has 22 bits.
  EXPECT_EQ(encoder.cut({{0, 0, 1024, 1000}}),
            (std::vector<Rectangle>{{0, 0, 1024, 512}, {0, 512, 1024, 488}}));
}

INSTANTIATE_TEST_SUITE_P(All, EncoderTest, ::testing::Values(kRaw, kHextile, kZlib, kTight, kZrle),
                         [](const auto& row) { return fmt::format("Encoding{}", row.param + 0); });

TEST(PixelWriter, WritesWhatTheClientWants) {
  PixelWriter writer;
  PixelFormat format{.bits = 16, .depth = 16, .big_endian = true};
  format.red_max = 31;
  format.green_max = 63;
  format.blue_max = 31;
  format.red_shift = 11;
  format.green_shift = 5;
  format.blue_shift = 0;
  ASSERT_TRUE(format.valid());
  writer.set(format);
  std::vector<u8> out;
  writer.put(0xff0000, out);
  writer.put(0x0000ff, out);
  EXPECT_EQ(out, (std::vector<u8>{0xf8, 0x00, 0x00, 0x1f}));
  EXPECT_EQ(writer.compact_bytes(), 2U);
}

TEST(PixelFormat, RefusesWhatIsNone) {
  PixelFormat format;
  EXPECT_TRUE(format.valid());
  format.red_shift = 200;
  EXPECT_FALSE(format.valid());
  format = {};
  format.bits = 24;
  EXPECT_FALSE(format.valid());
  format = {};
  format.green_max = 0;
  EXPECT_FALSE(format.valid());
}

TEST(DirtyTiles, ComeAsFewRectangles) {
  DirtyTiles dirty;
  dirty.resize(100, 70);
  EXPECT_EQ(dirty.take(), (std::vector<Rectangle>{{0, 0, 100, 70}}));
  dirty.mark({20, 20, 1, 30});
  dirty.mark({60, 20, 1, 30});
  EXPECT_EQ(dirty.take(), (std::vector<Rectangle>{{16, 16, 16, 48}, {48, 16, 16, 48}}));
  EXPECT_FALSE(dirty.any());
  dirty.mark({99, 69, 500, 500});
  EXPECT_EQ(dirty.take(), (std::vector<Rectangle>{{96, 64, 4, 6}}));
}

}  // namespace
}  // namespace backplane::vnc
