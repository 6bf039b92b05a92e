// SPDX-License-Identifier: MIT
#include "command/mode_pages.h"

#include <algorithm>

namespace backplane::scsi {

namespace {

enum ModePage : u8 {
  kErrorRecovery = 0x01,
  kCaching = 0x08,
  kControl = 0x0a,
  kPowerCondition = 0x1a,
  kCapabilities = 0x2a,
  kAllPages = 0x3f,
};
enum PageControl : u8 { kCurrent = 0, kChangeable = 1, kDefault = 2, kSaved = 3 };
constexpr u8 kWriteProtect = 0x80;
constexpr u8 kForceUnitAccess = 0x10;

void append_page(std::vector<u8>& data, u8 page, std::vector<u8> content, bool changeable) {
  data.push_back(page);
  data.push_back(static_cast<u8>(content.size()));
  if (changeable) std::fill(content.begin(), content.end(), u8{0});
  data.insert(data.end(), content.begin(), content.end());
}

// False if there is no such page.
bool append_pages(const Unit& unit, u8 wanted, bool changeable, std::vector<u8>& data) {
  const auto is_wanted = [&](u8 page) { return wanted == page || wanted == kAllPages; };
  const std::size_t before = data.size();
  if (is_wanted(kErrorRecovery)) append_page(data, kErrorRecovery, std::vector<u8>(10), changeable);
  if (unit.type == kDisk && is_wanted(kCaching)) {
    std::vector<u8> content(18);
    content[0] = unit.write_cache ? 0x04 : 0x00;  // WCE
    append_page(data, kCaching, std::move(content), changeable);
  }
  if (is_wanted(kControl)) append_page(data, kControl, std::vector<u8>(10), changeable);
  if (unit.type == kCdDvd && is_wanted(kCapabilities)) {
    std::vector<u8> content(20);
    content[0] = 0x3b;  // reads CD-R, CD-RW, DVD-ROM, DVD-R
    content[2] = 0x71;  // plays audio, mode 2 forms, several sessions
    content[4] = 0x29;  // a tray that ejects and locks
    if (unit.locked) content[4] |= 0x02;
    append_page(data, kCapabilities, std::move(content), changeable);
  }
  return data.size() != before;
}

}  // namespace

Outcome mode_sense(const Unit& unit, std::span<const u8, 16> cdb) {
  const bool is_long = cdb[0] == kModeSense10;
  const bool with_blocks = (cdb[1] & 0x08) == 0 && unit.type == kDisk;
  const u8 control = cdb[2] >> 6;
  if (control == kSaved) return Outcome::failed({0x05, 0x39, 0x00});  // saving is not supported
  if (cdb[3] != 0) return Outcome::failed(kInvalidField);             // no subpages
  std::vector<u8> pages;
  if (!append_pages(unit, cdb[2] & 0x3f, control == kChangeable, pages))
    return Outcome::failed(kInvalidField);
  std::vector<u8> blocks;
  if (with_blocks) {
    append(blocks, std::min<u64>(unit.blocks(), 0xff'ffff), 4);
    append(blocks, unit.block_size(), 4);
  }
  const u8 specific = static_cast<u8>((unit.read_only ? kWriteProtect : 0) |
                                      (unit.type == kDisk ? kForceUnitAccess : 0));
  std::vector<u8> data;
  const std::size_t length = blocks.size() + pages.size();
  if (is_long) {
    append(data, length + 6, 2);
    data.insert(data.end(), {0, specific, 0, 0});
    append(data, blocks.size(), 2);
  } else {
    data = {static_cast<u8>(length + 3), 0, specific, static_cast<u8>(blocks.size())};
  }
  data.insert(data.end(), blocks.begin(), blocks.end());
  data.insert(data.end(), pages.begin(), pages.end());
  data.resize(std::min<u64>(data.size(), is_long ? load(cdb, 7, 2) : cdb[4]));
  return Outcome::answer(std::move(data));
}

Outcome mode_select(const Unit& unit, std::span<const u8, 16> cdb, std::span<const u8> parameters) {
  const bool is_long = cdb[0] == kModeSelect10;
  const std::size_t header = is_long ? 8 : 4;
  if (parameters.empty()) return {};
  if (parameters.size() < header) return Outcome::failed(kParameterListLength);
  const std::size_t blocks = is_long ? load(parameters, 6, 2) : parameters[3];
  if (blocks > parameters.size() - header) return Outcome::failed(kParameterListLength);
  for (auto left = parameters.subspan(header + blocks); !left.empty();) {
    if (left.size() < 2 || left[1] > left.size() - 2) return Outcome::failed(kParameterListLength);
    const std::size_t size = left[1] + std::size_t{2};
    std::vector<u8> present;
    append_pages(unit, left[0] & 0x3f, false, present);
    if (!std::equal(present.begin(), present.end(), left.begin(),
                    left.begin() + static_cast<std::ptrdiff_t>(size)))
      return Outcome::failed(kInvalidParameter);
    left = left.subspan(size);
  }
  return {};
}

}  // namespace backplane::scsi
