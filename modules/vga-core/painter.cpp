// SPDX-License-Identifier: MIT
#include "painter.h"

#include <algorithm>
#include <cstring>

#include "bochs_vbe.h"

namespace backplane::vga {

namespace {

constexpr u64 kFontBytes = 256_KiB;  // four planes of 64 KiB: fonts are in one of them
constexpr u32 kFontSize = 0x2000;    // of a plane
constexpr u32 kCharacterSize = 32;
constexpr unsigned kFontPlane = 2;

constexpr u32 rgb(u32 red, u32 green, u32 blue) { return red << 16 | green << 8 | blue; }
// A colour of fewer bits, with the same black and white.
constexpr u32 six_bits(u32 value) { return (value & 0x3f) << 2 | (value >> 4 & 3); }
constexpr u32 five_bits(u32 value) { return (value & 0x1f) << 3 | (value >> 2 & 7); }

}  // namespace

struct Painter::Layout {
  enum class Pixels { Planes, Interleaved, Bytes, Linear };
  Pixels pixels = Pixels::Planes;
  u32 depth = 8;           // of Linear
  u32 width = 0;           // dots
  u32 height = 0;          // scan lines
  u32 dots = 1;            // that a pixel is wide
  u32 lines = 1;           // that a row of pixels, or of characters, is high
  u64 start = 0;           // byte of memory
  u32 line_bytes = 0;      // of memory, from one row to the next
  u32 compare = ~u32{0};   // the last scan line before memory is shown from its beginning
  u32 pan = 0;             // pixels
  u32 preset = 0;          // scan lines of the first row that are not seen
  u32 character_dots = 8;  // of text
};

bool DirtyPages::any_of(u64 start, u64 size) const {
  if (!any_ || size == 0) return false;
  const u64 first = start / kPageSize, last = (start + size - 1) / kPageSize;
  for (u64 page = first; page <= last; ++page)
    if (pages_[page % pages_.size()]) return true;
  return false;
}

u32 Painter::group(u64 at) const {
  u32 planes = 0;
  std::memcpy(&planes, memory_.host() + (at & (memory_.size() - 1) & ~u64{3}), sizeof planes);
  return planes;
}

u32 Painter::dac_colour(u8 index) const {
  const u8* const at = &registers_.dac[(index & registers_.dac_mask) * u32{3}];
  if (registers_.dac_8bit) return rgb(at[0], at[1], at[2]);
  return rgb(six_bits(at[0]), six_bits(at[1]), six_bits(at[2]));
}

// [VGA "Attribute Controller Registers"]
void Painter::fill_palette() {
  for (unsigned i = 0; i < dac_.size(); ++i) dac_[i] = dac_colour(static_cast<u8>(i));
  const auto& a = registers_.attribute;
  const u8 select = a[kColourSelect];
  for (unsigned i = 0; i < palette_.size(); ++i) {
    u32 index = a[i & a[kColourPlaneEnable] & 0x0f] & 0x3f;
    if ((a[kAttributeMode] & kPaletteBits54) != 0) index = (index & 0x0f) | (select & 3) << 4;
    palette_[i] = dac_[index | (select & 0x0c) << 4];
  }
}

Painter::Layout Painter::layout() const {
  const Registers& r = registers_;
  Layout l;
  const u8 overflow = r.crtc[kOverflow], scan = r.crtc[kMaximumScanLine];
  l.lines = ((scan & kScanLineMask) + 1U) << ((scan & kDoubleScan) != 0 ? 1 : 0);
  l.height = (r.crtc[kVerticalDisplayEnd] | (overflow & 0x02) << 7 | (overflow & 0x40) << 3) + 1U;
  l.compare = r.crtc[kLineCompare] | (overflow & kOverflowLineCompare) << 4 | (scan & 0x40) << 3;
  l.line_bytes = u32{r.crtc[kOffset]} << 3;
  l.start = (u64{r.crtc[kStartHigh]} << 8 | r.crtc[kStartLow]) * 4;
  l.width = (r.crtc[kHorizontalDisplayEnd] + 1U) * 8;
  l.preset = r.crtc[kPresetRowScan] & kScanLineMask;
  l.pan = r.attribute[kPixelPanning] & 7;
  if ((r.sequencer[kClockingMode] & kHalfDotClock) != 0) l.dots = 2;
  l.width *= l.dots;
  const u8 mode = r.graphics[kGraphicsMode];
  if ((mode & kShift256) != 0) {
    l.pixels = Layout::Pixels::Bytes;
    l.dots = 2;
    l.pan /= 2;
  } else if ((mode & kShiftInterleave) != 0) {
    l.pixels = Layout::Pixels::Interleaved;
  }
  if (!r.vbe_enabled()) return l;
  const VbeMode vbe = vbe_mode(r);
  l.width = vbe.width;
  l.height = vbe.height;
  l.dots = l.lines = 1;
  l.line_bytes = vbe.line_bytes;
  l.start = vbe.start;
  l.pan = vbe.depth == 4 ? r.dispi[kDispiXOffset] % 8 : 0;
  l.compare = ~u32{0};
  l.depth = vbe.depth;
  l.pixels = vbe.depth == 4 ? Layout::Pixels::Planes : Layout::Pixels::Linear;
  return l;
}

void Painter::draw(Screen& screen, const DirtyPages& dirty) {
  if (!dirty.any() && screen.width() != 0) return;
  fill_palette();
  const bool graphics =
      registers_.vbe_enabled() || (registers_.graphics[kMiscellaneous] & kGraphics) != 0;
  const bool off = (registers_.attribute_index & kPaletteSource) == 0 ||
                   (registers_.sequencer[kClockingMode] & kScreenOff) != 0;
  if (off && !registers_.vbe_enabled()) {
    if (screen.width() == 0) screen.resize(640, 480);
    line_.assign(screen.width(), 0);
    for (u32 y = 0; y < screen.height(); ++y) screen.put_row(y, line_);
  } else if (graphics) {
    draw_graphics(screen, dirty);
  } else {
    draw_text(screen, dirty);
  }
}

void Painter::draw_text(Screen& screen, const DirtyPages& dirty) {
  Layout l = layout();
  const bool eight = (registers_.sequencer[kClockingMode] & kEightDots) != 0;
  l.character_dots = eight ? 8 : 9;
  const u32 columns = registers_.crtc[kHorizontalDisplayEnd] + 1U;
  l.width = columns * l.character_dots * l.dots;
  l.lines = std::min(l.lines, kCharacterSize);
  l.pan = eight ? registers_.attribute[kPixelPanning] & 7
                : (registers_.attribute[kPixelPanning] + 1U) % 16 % 9;
  const u32 rows = (l.height + l.preset + l.lines - 1) / l.lines;
  screen.resize(l.width, l.height);
  if (!dirty.any_of(l.start, u64{l.line_bytes} * rows + columns * 4 + 4) &&
      !dirty.any_of(0, std::min(kFontBytes, memory_.size())))
    return;
  for (u32 y = 0; y < screen.height(); ++y) {
    text_line(l, y);
    screen.put_row(y, std::span(line_).subspan(l.pan * l.dots, screen.width()));
  }
}

// [VGA "Character Map Select Register", "Attribute Mode Control Register", "Cursor Start Register"]
void Painter::text_line(const Layout& l, u32 y) {
  const Registers& r = registers_;
  const bool split = y > l.compare;
  const u32 scan = split ? y - l.compare - 1 : y + l.preset;
  const u32 in_character = scan % l.lines;
  const u64 row = (split ? 0 : l.start) + u64{scan / l.lines} * l.line_bytes;

  const u8 map = r.sequencer[kCharacterMap];
  const auto font = [](u32 low, u32 high) { return (low * 2 + high) * kFontSize; };
  const u32 fonts[2] = {font(map & 3, map >> 4 & 1), font(map >> 2 & 3, map >> 5 & 1)};
  const u8 mode = r.attribute[kAttributeMode];
  const u8 background_bits = (mode & kBlink) != 0 ? 7 : 15;

  const u64 cursor = (u64{r.crtc[kCursorHigh]} << 8 | r.crtc[kCursorLow]) * 4;
  const u32 cursor_end = r.crtc[kCursorEnd] & kScanLineMask;
  const bool cursor_line = (r.crtc[kCursorStart] & kCursorOff) == 0 &&
                           in_character >= (r.crtc[kCursorStart] & kScanLineMask) &&
                           in_character <= cursor_end;

  const u32 columns = l.width / (l.character_dots * l.dots) + 1;  // one more to pan into
  line_.resize(u64{columns} * l.character_dots * l.dots);
  u32* out = line_.data();
  for (u32 column = 0; column < columns; ++column) {
    const u64 cell = row + u64{column} * 4;
    const u32 planes = group(cell);
    const u8 character = static_cast<u8>(planes), attribute = static_cast<u8>(planes >> 8);
    const u64 glyph = fonts[attribute >> 3 & 1] + character * kCharacterSize + in_character;
    u32 bits = u32{byte(glyph * 4 + kFontPlane)} << 1;
    if (character >= 0xc0 && character <= 0xdf && (mode & kLineGraphics) != 0)
      bits |= bits >> 1 & 1;
    if (cursor_line && (cell & (memory_.size() - 1)) == cursor) bits = 0x1ff;
    const u32 colours[2] = {palette_[attribute >> 4 & background_bits], palette_[attribute & 15]};
    for (u32 dot = 0; dot < l.character_dots; ++dot) {
      const u32 colour = colours[bits >> (8 - dot) & 1];
      for (u32 n = 0; n < l.dots; ++n) *out++ = colour;
    }
  }
}

// [VGA "CRT Controller Registers", Mode Control and Line Compare]
void Painter::draw_graphics(Screen& screen, const DirtyPages& dirty) {
  const Layout l = layout();
  screen.resize(l.width, l.height);
  const u32 pixels = screen.width() / l.dots + l.pan;
  const u64 bytes = l.pixels == Layout::Pixels::Planes        ? (u64{pixels} + 7) / 8 * 4
                    : l.pixels == Layout::Pixels::Interleaved ? (u64{pixels} + 7) / 8 * 4
                    : l.pixels == Layout::Pixels::Bytes       ? pixels
                                                              : u64{pixels} * ((l.depth + 7) / 8);
  const u8 control = registers_.crtc[kModeControl];
  const unsigned row_bit = (control & kByteMode) != 0 ? 15 : 14;
  for (u32 y = 0; y < screen.height(); ++y) {
    const bool split = y > l.compare;
    const u32 line = split ? y - l.compare - 1 : y;
    u64 address = (split ? 0 : l.start) + u64{line / l.lines} * l.line_bytes;
    // Where rows of pixels take turns in parts of memory, as with the CGA.
    if (!registers_.vbe_enabled()) {
      if ((control & kA13) == 0)
        address = (address & ~(u64{1} << row_bit)) | u64{line & 1} << row_bit;
      if ((control & kA14) == 0)
        address = (address & ~(u64{2} << row_bit)) | u64{line >> 1 & 1} << (row_bit + 1);
    }
    address &= memory_.size() - 1;
    if (!dirty.any_of(address, bytes)) continue;
    graphics_line(l, static_cast<u32>(address), pixels);
    screen.put_row(y, std::span(line_).subspan(l.pan * l.dots, screen.width()));
  }
}

void Painter::graphics_line(const Layout& l, u32 address, u32 pixels) {
  line_.resize(u64{pixels + 8} * l.dots);
  u32* out = line_.data();
  const auto put = [&](u32 colour) {
    for (u32 n = 0; n < l.dots; ++n) *out++ = colour;
  };
  switch (l.pixels) {
    case Layout::Pixels::Planes:
      for (u32 x = 0; x < pixels; x += 8) {
        const u32 planes = group(address + x / 2);
        for (unsigned bit = 8; bit-- > 0;)
          put(palette_[(planes >> bit & 1) | (planes >> (bit + 7) & 2) |
                       (planes >> (bit + 14) & 4) | (planes >> (bit + 21) & 8)]);
      }
      break;
    case Layout::Pixels::Interleaved:
      // Two bits a pixel from planes 0 and 2, then from planes 1 and 3.
      for (u32 x = 0; x < pixels; x += 8) {
        const u32 planes = group(address + x / 2);
        for (unsigned half = 0; half < 2; ++half)
          for (unsigned pixel = 4; pixel-- > 0;)
            put(palette_[(planes >> (8 * half + 2 * pixel) & 3) |
                         (planes >> (16 + 8 * half + 2 * pixel) & 3) << 2]);
      }
      break;
    case Layout::Pixels::Bytes:
      for (u32 x = 0; x < pixels; ++x) put(dac_[byte(u64{address} + x)]);
      break;
    case Layout::Pixels::Linear:
      linear_line(l.depth, address, pixels, out);
      break;
  }
}

void Painter::linear_line(u32 depth, u64 address, u32 pixels, u32* out) const {
  const u32 bytes = (depth + 7) / 8;
  const u64 last = memory_.size() - 1;
  if (depth == 32 && (address & last) + u64{pixels} * 4 <= memory_.size()) {
    std::memcpy(out, memory_.host() + (address & last), u64{pixels} * 4);
    for (u32 x = 0; x < pixels; ++x) out[x] &= 0xffffff;
    return;
  }
  for (u32 x = 0; x < pixels; ++x, address += bytes) {
    u32 value = 0;
    for (u32 n = 0; n < bytes; ++n) value |= u32{byte(address + n)} << (8 * n);
    switch (depth) {
      case 8:
        out[x] = dac_[value];
        break;
      case 15:
        out[x] = rgb(five_bits(value >> 10), five_bits(value >> 5), five_bits(value));
        break;
      case 16:
        out[x] = rgb(five_bits(value >> 11), six_bits(value >> 5), five_bits(value));
        break;
      default:
        out[x] = value & 0xffffff;
        break;
    }
  }
}

}  // namespace backplane::vga
