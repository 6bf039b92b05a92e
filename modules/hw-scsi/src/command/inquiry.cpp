// SPDX-License-Identifier: MIT
#include "command/inquiry.h"

#include <algorithm>

namespace backplane::scsi {

namespace {

// [SPC-3 "Vital product data parameters", SBC-3 "Vital product data parameters"]
enum Page : u8 {
  kSupportedPages = 0x00,
  kUnitSerialNumber = 0x80,
  kDeviceIdentification = 0x83,
  kBlockLimits = 0xb0,
  kBlockCharacteristics = 0xb1,
  kProvisioning = 0xb2,
};

void append_text(std::vector<u8>& data, const std::string& text, std::size_t width) {
  for (std::size_t i = 0; i < width; ++i)
    data.push_back(i < text.size() ? static_cast<u8>(text[i]) : u8{' '});
}

std::vector<u8> block_limits() {
  constexpr u64 kMostUnmapBlocks = 0x40'0000;
  std::vector<u8> page(60);
  const auto put = [&page](std::size_t at, u64 value, unsigned size) {
    for (unsigned i = 0; i < size; ++i)
      page[at - 4 + i] = static_cast<u8>(value >> (8 * (size - 1 - i)));
  };
  put(20, kMostUnmapBlocks, 4);
  put(24, kMostUnmapDescriptors, 4);
  put(28, 1, 4);  // granularity
  put(36, kMostWriteSameBlocks, 8);
  return page;
}

bool page_content(const Unit& unit, u8 page, std::vector<u8>& content) {
  switch (page) {
    case kSupportedPages:
      content = {kSupportedPages, kUnitSerialNumber, kDeviceIdentification};
      if (unit.type == kDisk)
        content.insert(content.end(), {kBlockLimits, kBlockCharacteristics, kProvisioning});
      return true;
    case kUnitSerialNumber:
      content.assign(unit.serial.begin(), unit.serial.end());
      return true;
    case kDeviceIdentification: {
      const std::string text = unit.serial.empty() ? unit.product : unit.serial;
      content = {0x02, 0x00, 0x00, static_cast<u8>(text.size())};  // ASCII, of the vendor's
      content.insert(content.end(), text.begin(), text.end());
      return true;
    }
    case kBlockLimits:
      content = block_limits();
      return unit.type == kDisk;
    case kBlockCharacteristics:
      content.assign(60, 0);
      content[1] = 1;  // it does not rotate
      return unit.type == kDisk;
    case kProvisioning:
      content = {0, 0xe0, 0x02, 0};  // UNMAP and both WRITE SAMEs; thin
      return unit.type == kDisk;
    default:
      return false;
  }
}

}  // namespace

Outcome inquiry(const Unit& unit, std::span<const u8, 16> cdb) {
  constexpr u8 kSpc3 = 0x05;
  constexpr u8 kRemovable = 0x80;
  constexpr u8 kQueues = 0x02;  // CMDQUE
  std::vector<u8> data;
  if ((cdb[1] & 1) != 0) {
    std::vector<u8> content;
    if (!page_content(unit, cdb[2], content)) return Outcome::failed(kInvalidField);
    data = {unit.type, cdb[2]};
    append(data, content.size(), 2);
    data.insert(data.end(), content.begin(), content.end());
  } else {
    if (cdb[2] != 0) return Outcome::failed(kInvalidField);
    data = {unit.type, unit.type == kCdDvd ? kRemovable : u8{0}, kSpc3, 0x02, 31, 0, 0, kQueues};
    append_text(data, unit.vendor, 8);
    append_text(data, unit.product, 16);
    append_text(data, unit.version, 4);
  }
  data.resize(std::min<u64>(data.size(), load(cdb, 3, 2)));
  return Outcome::answer(std::move(data));
}

}  // namespace backplane::scsi
