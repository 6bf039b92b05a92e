// SPDX-License-Identifier: MIT
#include "i8042/scan_codes.h"

#include <algorithm>
#include <array>
#include <iterator>

namespace backplane::pc {

namespace {

constexpr u8 kExtended = 0xe0, kPausePrefix = 0xe1, kReleased = 0xf0, kReleaseBit = 0x80;
constexpr KeyCode kPrint = 99, kPause = 119;

// The code in set 2 of each code of set 1.
constexpr u8 kSet2[128] = {
    0x00, 0x76, 0x16, 0x1e, 0x26, 0x25, 0x2e, 0x36, 0x3d, 0x3e, 0x46, 0x45, 0x4e, 0x55, 0x66, 0x0d,
    0x15, 0x1d, 0x24, 0x2d, 0x2c, 0x35, 0x3c, 0x43, 0x44, 0x4d, 0x54, 0x5b, 0x5a, 0x14, 0x1c, 0x1b,
    0x23, 0x2b, 0x34, 0x33, 0x3b, 0x42, 0x4b, 0x4c, 0x52, 0x0e, 0x12, 0x5d, 0x1a, 0x22, 0x21, 0x2a,
    0x32, 0x31, 0x3a, 0x41, 0x49, 0x4a, 0x59, 0x7c, 0x11, 0x29, 0x58, 0x05, 0x06, 0x04, 0x0c, 0x03,
    0x0b, 0x83, 0x0a, 0x01, 0x09, 0x77, 0x7e, 0x6c, 0x75, 0x7d, 0x7b, 0x6b, 0x73, 0x74, 0x79, 0x69,
    0x72, 0x7a, 0x70, 0x71, 0x84, 0x60, 0x61, 0x78, 0x07, 0x0f, 0x17, 0x1f, 0x27, 0x2f, 0x37, 0x3f,
    0x47, 0x4f, 0x56, 0x5e, 0x08, 0x10, 0x18, 0x20, 0x28, 0x30, 0x38, 0x40, 0x48, 0x50, 0x57, 0x6f,
    0x13, 0x19, 0x39, 0x51, 0x53, 0x5c, 0x5f, 0x62, 0x63, 0x64, 0x65, 0x67, 0x68, 0x6a, 0x6d, 0x6e,
};

constexpr std::array<u8, 256> kTranslation = [] {
  std::array<u8, 256> table{};
  for (unsigned byte = 0; byte < 256; ++byte) table[byte] = static_cast<u8>(byte);
  for (unsigned code = 1; code < 128; ++code) table[kSet2[code]] = static_cast<u8>(code);
  return table;
}();

// Where set 3 differs from set 2.
struct Set3 {
  KeyCode key;
  u8 code;
};
constexpr Set3 kSet3[] = {
    {1, 0x08},   {29, 0x11},  {43, 0x5c},  {55, 0x7e},  {56, 0x19},  {58, 0x14},  {59, 0x07},
    {60, 0x0f},  {61, 0x17},  {62, 0x1f},  {63, 0x27},  {64, 0x2f},  {65, 0x37},  {66, 0x3f},
    {67, 0x47},  {68, 0x4f},  {69, 0x76},  {70, 0x5f},  {74, 0x84},  {78, 0x7c},  {86, 0x13},
    {87, 0x56},  {88, 0x5e},  {96, 0x79},  {97, 0x58},  {98, 0x77},  {99, 0x57},  {100, 0x39},
    {102, 0x6e}, {103, 0x63}, {104, 0x6f}, {105, 0x61}, {106, 0x6a}, {107, 0x65}, {108, 0x60},
    {109, 0x6d}, {110, 0x67}, {111, 0x64}, {119, 0x62}, {125, 0x8b}, {126, 0x8c}, {127, 0x8d},
};

std::vector<u8> in_set1(u16 code, bool down) {
  std::vector<u8> bytes;
  if (code > 0xff) bytes.push_back(kExtended);
  bytes.push_back(static_cast<u8>(down ? code : code | kReleaseBit));
  return bytes;
}

std::vector<u8> in_set2(u16 code, bool down) {
  std::vector<u8> bytes;
  if (code > 0xff) bytes.push_back(kExtended);
  if (!down) bytes.push_back(kReleased);
  bytes.push_back(kSet2[code & 0x7f]);
  return bytes;
}

std::vector<u8> in_set3(const Key& key, bool down) {
  const auto* const own = std::find_if(std::begin(kSet3), std::end(kSet3),
                                       [&](const Set3& row) { return row.key == key.code; });
  if (own == std::end(kSet3) && (key.scan_code == 0 || key.scan_code > 0xff)) return {};
  const u8 code = own != std::end(kSet3) ? own->code : kSet2[key.scan_code & 0x7f];
  return down ? std::vector<u8>{code} : std::vector<u8>{kReleased, code};
}

// Keys whose sequences are from the time before set 2 was the one to send.
std::vector<u8> pause(u8 set, bool down) {
  if (!down) return {};
  if (set == 1) return {kPausePrefix, 0x1d, 0x45, kPausePrefix, 0x9d, 0xc5};
  return {kPausePrefix, 0x14, 0x77, kPausePrefix, kReleased, 0x14, kReleased, 0x77};
}

std::vector<u8> print(u8 set, bool down, bool with_alt) {
  constexpr u16 kSysRq = 0x54, kShift = 0xe02a, kPrintCode = 0xe037;
  const auto code = [&](u16 which) {
    return set == 1 ? in_set1(which, down) : in_set2(which, down);
  };
  if (with_alt) return code(kSysRq);
  std::vector<u8> bytes = code(down ? kShift : kPrintCode);
  const std::vector<u8> rest = code(down ? kPrintCode : kShift);
  bytes.insert(bytes.end(), rest.begin(), rest.end());
  return bytes;
}

}  // namespace

std::vector<u8> scan_code(u8 set, KeyCode code, bool down, bool with_alt) {
  const Key* const key = find_key(code);
  if (key == nullptr) return {};
  if (set == 3) return in_set3(*key, down);
  if (code == kPause) return pause(set, down);
  if (code == kPrint) return print(set, down, with_alt);
  if (key->scan_code == 0) return {};
  return set == 1 ? in_set1(key->scan_code, down) : in_set2(key->scan_code, down);
}

u8 translated(u8 byte) { return kTranslation[byte]; }

}  // namespace backplane::pc
