// SPDX-License-Identifier: MIT
// What CD drives are asked besides. A disc has one session, and one track of data. [MMC-6]
#include <algorithm>

#include "command/command_set.h"

namespace backplane::scsi {

namespace {

constexpr u8 kLeadOut = 0xaa;
constexpr u8 kDataTrack = 0x14;  // ADR 1, data
// A disc that is larger is a DVD: bytes.
constexpr u64 kLargestCd = 900'000'000;
enum Profile : u16 { kCdRom = 0x0008, kDvdRom = 0x0010 };

// A block's place in minutes, seconds and frames; the first two seconds are before the first block.
void append_place(std::vector<u8>& data, u64 block, bool in_time) {
  if (!in_time) return append(data, block, 4);
  const u64 frame = block + 150;
  data.insert(data.end(), {0, static_cast<u8>(frame / (75 * 60)), static_cast<u8>(frame / 75 % 60),
                           static_cast<u8>(frame % 75)});
}

// [MMC-6 "READ TOC/PMA/ATIP Command"]
Outcome read_toc(const Unit& unit, std::span<const u8, 16> cdb) {
  const bool in_time = (cdb[1] & 2) != 0;
  const u8 format = (cdb[2] & 0x0f) != 0 ? cdb[2] & 0x0f : cdb[9] >> 6;
  const u8 first = cdb[6];
  std::vector<u8> data{0, 0, 1, 1};
  if (format == 0) {
    if (first > 1 && first != kLeadOut) return Outcome::failed(kInvalidField);
    if (first <= 1) {
      data.insert(data.end(), {0, kDataTrack, 1, 0});
      append_place(data, 0, in_time);
    }
    data.insert(data.end(), {0, kDataTrack, kLeadOut, 0});
    append_place(data, unit.blocks(), in_time);
  } else if (format == 1) {
    data.insert(data.end(), {0, kDataTrack, 1, 0});
    append_place(data, 0, in_time);
  } else {
    return Outcome::failed(kInvalidField);
  }
  data[1] = static_cast<u8>(data.size() - 2);
  data.resize(std::min<u64>(data.size(), load(cdb, 7, 2)));
  return Outcome::answer(std::move(data));
}

// [MMC-6 "GET CONFIGURATION Command"]: profiles, and which one is current.
Outcome get_configuration(const Unit& unit, std::span<const u8, 16> cdb) {
  const u16 of_disc = unit.size > kLargestCd ? kDvdRom : kCdRom;
  const u16 current = unit.has_medium ? of_disc : u16{0};
  std::vector<u8> data(4);
  append(data, 0, 2);
  append(data, current, 2);
  data.insert(data.end(), {0, 0, 0x03, 8});  // the list of profiles
  for (const u16 profile : {kDvdRom, kCdRom}) {
    append(data, profile, 2);
    data.insert(data.end(), {profile == current ? u8{1} : u8{0}, 0});
  }
  data.insert(data.end(), {0, 1, 0x03, 8, 0, 0, 0, 1, 0, 0, 0, 0});  // core: SCSI
  data.insert(data.end(), {0, 3, 0x03, 4, 0x29, 0, 0, 0});           // removable: a tray
  data[3] = static_cast<u8>(data.size() - 4);
  data.resize(std::min<u64>(data.size(), load(cdb, 7, 2)));
  return Outcome::answer(std::move(data));
}

// [MMC-6 "GET EVENT STATUS NOTIFICATION Command"]: polled, of media.
Outcome get_event_status(const Unit& unit, std::span<const u8, 16> cdb) {
  constexpr u8 kPolled = 1;
  constexpr u8 kMediaClass = 4;
  if ((cdb[1] & kPolled) == 0) return Outcome::failed(kInvalidField);
  std::vector<u8> data{0, 2, 0x80, 1 << kMediaClass};
  if ((cdb[4] & 1 << kMediaClass) != 0)
    data = {0, 6, kMediaClass, 1 << kMediaClass, 0, unit.has_medium ? u8{2} : u8{0}, 0, 0};
  data.resize(std::min<u64>(data.size(), load(cdb, 7, 2)));
  return Outcome::answer(std::move(data));
}

// [MMC-6 "READ DISC INFORMATION Command"]: finished, one session with one track.
Outcome read_disc_information(std::span<const u8, 16> cdb) {
  std::vector<u8> data(34);
  data[1] = 32;
  data[2] = 0x0e;
  data[3] = data[4] = data[5] = data[6] = 1;
  data[7] = 0x20;
  data.resize(std::min<u64>(data.size(), load(cdb, 7, 2)));
  return Outcome::answer(std::move(data));
}

}  // namespace

Outcome execute_mmc(const Unit& unit, std::span<const u8, 16> cdb) {
  switch (cdb[0]) {
    case kReadTocPmaAtip:
      return read_toc(unit, cdb);
    case kGetConfiguration:
      return get_configuration(unit, cdb);
    case kGetEventStatusNotification:
      return get_event_status(unit, cdb);
    case kReadDiscInformation:
      return read_disc_information(cdb);
    default:
      return Outcome::failed(kInvalidOperation);
  }
}

}  // namespace backplane::scsi
