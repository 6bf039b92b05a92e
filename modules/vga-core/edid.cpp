// SPDX-License-Identifier: MIT
#include "edid.h"

#include <algorithm>
#include <numeric>
#include <string_view>

namespace backplane::vga {

namespace {

constexpr unsigned kDescriptors = 54, kDescriptorSize = 18;

// What a detailed timing adds to the pixels that are seen: only its sum matters.
constexpr u32 kHorizontalBlank = 160, kVerticalBlank = 30;
constexpr u32 kRefresh = 60;  // Hz

void put_timing(u8* at, u32 width, u32 height) {
  const u32 clock = (width + kHorizontalBlank) * (height + kVerticalBlank) * kRefresh / 10'000;
  at[0] = static_cast<u8>(clock);
  at[1] = static_cast<u8>(clock >> 8);
  at[2] = static_cast<u8>(width);
  at[3] = static_cast<u8>(kHorizontalBlank);
  at[4] = static_cast<u8>(width >> 8 << 4);
  at[5] = static_cast<u8>(height);
  at[6] = static_cast<u8>(kVerticalBlank);
  at[7] = static_cast<u8>(height >> 8 << 4);
  at[8] = 48;     // horizontal sync: from here,
  at[9] = 32;     // so long
  at[10] = 0x36;  // vertical sync: from 3, 6 long
  at[17] = 0x18;  // digital separate sync
}

void put_name(u8* at, u8 tag, std::string_view text) {
  at[3] = tag;
  std::fill(at + 5, at + kDescriptorSize, u8{' '});
  std::copy(text.begin(), text.end(), at + 5);
  at[5 + text.size()] = '\n';
}

}  // namespace

Edid make_edid(u32 width, u32 height) {
  Edid e{0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00};
  e[8] = 0x0a;  // manufacturer "BPL": five bits a letter
  e[9] = 0x0c;
  e[10] = 1;  // product
  e[16] = 1;  // week and year (from 1990) of its making
  e[17] = 36;
  e[18] = 1;  // EDID 1.4
  e[19] = 4;
  e[20] = 0xa5;  // digital, 8 bits a colour, DisplayPort
  // Centimetres, at 100 dots an inch.
  e[21] = static_cast<u8>(std::min<u32>(width * 254 / 10'000, 255));
  e[22] = static_cast<u8>(std::min<u32>(height * 254 / 10'000, 255));
  e[23] = 120;   // gamma 2.2
  e[24] = 0x06;  // sRGB; the first timing is preferred
  constexpr u8 kSrgb[] = {0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54};
  std::copy(std::begin(kSrgb), std::end(kSrgb), &e[25]);
  e[35] = 0x21;                                   // 640x480 and 800x600 at 60 Hz
  e[36] = 0x08;                                   // 1024x768 at 60 Hz
  std::fill(&e[38], &e[kDescriptors], u8{0x01});  // no standard timings
  put_timing(&e[kDescriptors], width, height);
  put_name(&e[kDescriptors + kDescriptorSize], 0xfc, "Backplane");
  u8* const limits = &e[kDescriptors + 2 * kDescriptorSize];
  limits[3] = 0xfd;
  constexpr u8 kLimits[] = {50, 125, 30, 160, 255, 0x01};  // Hz, kHz, 10 MHz
  std::copy(std::begin(kLimits), std::end(kLimits), limits + 5);
  e[kDescriptors + 3 * kDescriptorSize + 3] = 0x10;  // nothing
  e[127] = static_cast<u8>(-std::accumulate(e.begin(), e.end() - 1, 0));
  return e;
}

}  // namespace backplane::vga
