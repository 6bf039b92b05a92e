// SPDX-License-Identifier: MIT
#include "bochs_vbe.h"

#include <algorithm>
#include <cstring>

#include "backplane/display.h"

namespace backplane::vga {

namespace {

constexpr u16 kMost = Screen::kMostPixels;

// Bytes of memory for so many pixels side by side.
u32 bytes_of(u32 pixels, u32 depth) { return depth == 4 ? pixels / 2 : pixels * ((depth + 7) / 8); }

// The registers of old say the same, for those who write through the window or look there.
void mirror(Registers& r) {
  if (!r.vbe_enabled()) return;
  const VbeMode mode = vbe_mode(r);
  const u32 last_line = mode.height - 1;
  r.graphics[kMiscellaneous] =
      static_cast<u8>((r.graphics[kMiscellaneous] & ~0x0c) | 0x04 | kGraphics);
  r.crtc[kModeControl] |= kA13 | kA14;
  r.crtc[kOffset] = static_cast<u8>(mode.line_bytes >> 3);
  r.crtc[kHorizontalDisplayEnd] = static_cast<u8>((mode.width >> 3) - 1);
  r.crtc[kVerticalDisplayEnd] = static_cast<u8>(last_line);
  r.crtc[kOverflow] = static_cast<u8>((r.crtc[kOverflow] & ~0x42) | (last_line >> 7 & 0x02) |
                                      (last_line >> 3 & 0x40));
  r.crtc[kOverflow] |= kOverflowLineCompare;
  r.crtc[kLineCompare] = 0xff;
  r.crtc[kMaximumScanLine] =
      static_cast<u8>((r.crtc[kMaximumScanLine] & ~(kScanLineMask | kDoubleScan)) | 0x40);
  u8& graphics_mode = r.graphics[kGraphicsMode];
  graphics_mode &= static_cast<u8>(~(kShiftInterleave | kShift256));
  if (mode.depth == 4) {
    r.sequencer[kMemoryMode] &= static_cast<u8>(~kChain4);
  } else {
    graphics_mode |= kShift256;
    r.sequencer[kMemoryMode] |= kChain4;
    r.sequencer[kMapMask] = 0x0f;
  }
}

void enable(Registers& r, u16 value, RamBlock& memory) {
  u16& now = r.dispi[kDispiEnable];
  const bool starts = (value & ~now & kDispiEnabled) != 0;
  now = value;
  r.dac_8bit = (value & kDispi8BitDac) != 0;
  if (!starts) {
    if (!r.vbe_enabled()) r.dispi[kDispiBank] = 0;
    return;
  }
  r.dispi[kDispiVirtWidth] = r.dispi[kDispiXOffset] = r.dispi[kDispiYOffset] = 0;
  r.dispi[kDispiBank] = 0;
  limit_dispi(r, memory.size());
  mirror(r);
  if ((value & kDispiNoClear) != 0) return;
  const VbeMode mode = vbe_mode(r);
  const u64 shown = std::min<u64>(memory.size(), u64{mode.line_bytes} * mode.height);
  memory.about_to_write(0, shown);
  std::memset(memory.host(), 0, shown);
}

}  // namespace

VbeMode vbe_mode(const Registers& r) {
  const auto& d = r.dispi;
  VbeMode mode{.width = d[kDispiXres], .height = d[kDispiYres], .depth = d[kDispiBpp]};
  mode.line_bytes = bytes_of(d[kDispiVirtWidth], mode.depth);
  mode.start = d[kDispiYOffset] * mode.line_bytes + bytes_of(d[kDispiXOffset], mode.depth);
  return mode;
}

void limit_dispi(Registers& r, u64 memory_size) {
  auto& d = r.dispi;
  constexpr u16 kDepths[] = {4, 8, 15, 16, 24, 32};
  if (std::find(std::begin(kDepths), std::end(kDepths), d[kDispiBpp]) == std::end(kDepths))
    d[kDispiBpp] = 8;
  // Whole groups of eight.
  const auto eights = [](u16 value, u16 least) {
    return static_cast<u16>(std::clamp(value, least, kMost) & ~7);
  };
  d[kDispiXres] = eights(d[kDispiXres], 8);
  const u16 most_virtual = 4 * kMost;
  d[kDispiVirtWidth] =
      static_cast<u16>(std::clamp(d[kDispiVirtWidth], d[kDispiXres], most_virtual) & ~7);
  if (bytes_of(d[kDispiVirtWidth], d[kDispiBpp]) > memory_size) d[kDispiVirtWidth] = d[kDispiXres];
  const u32 line = bytes_of(d[kDispiVirtWidth], d[kDispiBpp]);
  const u64 lines = std::min<u64>(memory_size / line, 0xffff);
  d[kDispiVirtHeight] = static_cast<u16>(lines);
  d[kDispiYres] = static_cast<u16>(
      std::clamp<u64>(d[kDispiYres], 1, std::max<u64>(1, std::min<u64>(lines, kMost))));
  if (d[kDispiXOffset] + d[kDispiXres] > d[kDispiVirtWidth]) d[kDispiXOffset] = 0;
  if (u64{d[kDispiYOffset]} + d[kDispiYres] > lines) d[kDispiYOffset] = 0;
  d[kDispiBank] = static_cast<u16>(d[kDispiBank] & (memory_size / 64_KiB - 1));
}

u16 read_dispi(const Registers& r, u16 index, u64 memory_size) {
  if (index == kDispiVideoMemory64K) return static_cast<u16>(memory_size / 64_KiB);
  if (index >= kDispiCount) return 0;
  if ((r.dispi[kDispiEnable] & kDispiGetCaps) != 0) {
    if (index == kDispiXres || index == kDispiYres) return kMost;
    if (index == kDispiBpp) return 32;
  }
  return r.dispi[index];
}

void write_dispi(Registers& r, u16 index, u16 value, RamBlock& memory) {
  switch (index) {
    case kDispiId:
      if (value >= kDispiId0 && value <= kDispiId5) r.dispi[kDispiId] = value;
      return;
    case kDispiEnable:
      return enable(r, value, memory);
    case kDispiXres:
    case kDispiYres:
    case kDispiBpp:
    case kDispiBank:
    case kDispiVirtWidth:
    case kDispiXOffset:
    case kDispiYOffset:
      r.dispi[index] = value;
      // Until it is enabled, a mode is told register by register.
      if (r.vbe_enabled() || index == kDispiBank) limit_dispi(r, memory.size());
      if (index != kDispiBank) mirror(r);
      return;
    default:
      return;
  }
}

}  // namespace backplane::vga
