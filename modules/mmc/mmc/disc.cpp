// SPDX-License-Identifier: MIT
// What the drive says of the disc and of itself.
#include "mmc/optical_drive.h"
#include "mmc/packet_bytes.h"

namespace backplane::mmc {

namespace {

// More than fits on a CD of 80 minutes is a DVD.
constexpr u32 kMostOfCd = 80 * 60 * 75;

constexpr unsigned kDataTrack = 0x14;  // control: data, no copying; address: 1
constexpr unsigned kLeadOut = 0xaa;

// Minute, second and frame of a block, which count from two seconds before the first.
// [MMC-6 4.2.3.7]
void put_address(std::vector<u8>& out, u32 block, bool as_time) {
  constexpr u32 kFramesPerSecond = 75, kSecondsPerMinute = 60, kPregap = 150;
  if (!as_time) return put32(out, block);
  const u32 frames = block + kPregap;
  const u32 seconds = frames / kFramesPerSecond;
  put8(out, 0);
  put8(out, seconds / kSecondsPerMinute);
  put8(out, seconds % kSecondsPerMinute);
  put8(out, frames % kFramesPerSecond);
}

void put_track(std::vector<u8>& out, unsigned number, u32 block, bool as_time) {
  put8(out, 0);
  put8(out, kDataTrack);
  put8(out, number);
  put8(out, 0);
  put_address(out, block, as_time);
}

}  // namespace

bool OpticalDrive::is_dvd() const { return blocks_.value_or(0) > kMostOfCd; }

// [SPC-3 6.4 "INQUIRY"]
OpticalDrive::Reply OpticalDrive::inquiry(Packet packet) const {
  constexpr unsigned kCdDvd = 0x05, kRemovable = 0x80, kSpc3 = 5, kFormat = 0x32, kFollowing = 31;
  if ((packet[1] & 1) != 0 || packet[2] != 0) return {.sense = kInvalidField};
  Reply reply;
  put8(reply.data, kCdDvd);
  put8(reply.data, kRemovable);
  put8(reply.data, kSpc3);
  put8(reply.data, kFormat);
  put8(reply.data, kFollowing);
  put_zeroes(reply.data, 3);
  put_text(reply.data, "BACKPLN", 8);
  put_text(reply.data, product_, 16);
  put_text(reply.data, revision_, 4);
  limit(reply.data, get16(packet, 3));
  return reply;
}

OpticalDrive::Reply OpticalDrive::read_capacity() const {
  Reply reply;
  put32(reply.data, *blocks_ - 1);
  put32(reply.data, kBlockSize);
  return reply;
}

OpticalDrive::Reply OpticalDrive::read_blocks(u32 first, u32 count) const {
  if (first > *blocks_ || count > *blocks_ - first) return {.sense = kBlockOutOfRange};
  return {.first_block = first, .blocks = count};
}

// Data of a sector without its headers alone. [MMC-6 6.16 "READ CD"]
OpticalDrive::Reply OpticalDrive::read_cd(Packet packet) const {
  constexpr u8 kFields = 0xf8, kUserData = 0x10;
  const u8 wanted = packet[9] & kFields;
  if (wanted == 0) return {};
  if (wanted != kUserData) return {.sense = kInvalidField};
  return read_blocks(get32(packet, 2), get24(packet, 6));
}

// A disc has one session with one track. [MMC-6 6.25 "READ TOC/PMA/ATIP"]
OpticalDrive::Reply OpticalDrive::read_toc(Packet packet) const {
  const bool as_time = (packet[1] & 2) != 0;
  // Older hosts have the format in the last byte.
  const unsigned format = (packet[2] & 0x0f) != 0 ? packet[2] & 0x0f : packet[9] >> 6;
  const unsigned from = packet[6];
  Reply reply;
  put16(reply.data, 0);
  put8(reply.data, 1);  // first and last, of tracks or of sessions
  put8(reply.data, 1);
  switch (format) {
    case 0:
      if (from > 1 && from != kLeadOut) return {.sense = kInvalidField};
      if (from <= 1) put_track(reply.data, 1, 0, as_time);
      put_track(reply.data, kLeadOut, *blocks_, as_time);
      break;
    case 1:
      put_track(reply.data, 1, 0, as_time);
      break;
    case 2: {
      const auto entry = [&](unsigned point, u32 value) {
        put8(reply.data, 1);  // session
        put8(reply.data, kDataTrack);
        put8(reply.data, 0);
        put8(reply.data, point);
        put_zeroes(reply.data, 3);
        put32(reply.data, value);
      };
      constexpr u32 kFirst = 1 << 16;
      std::vector<u8> time;
      put_address(time, *blocks_, true);
      const u32 end = get32(time, 0);
      time.clear();
      put_address(time, 0, true);
      entry(0xa0, kFirst);
      entry(0xa1, kFirst);
      entry(0xa2, end);
      entry(1, get32(time, 0));
      break;
    }
    default:
      return {.sense = kInvalidField};
  }
  put_length(reply.data, 0);
  limit(reply.data, get16(packet, 7));
  return reply;
}

// [MMC-6 6.21 "READ DISC INFORMATION"]
OpticalDrive::Reply OpticalDrive::read_disc_information(Packet packet) const {
  constexpr unsigned kComplete = 0x0e, kUnrestricted = 0x20;
  if ((packet[1] & 7) != 0) return {.sense = kInvalidField};
  Reply reply;
  put16(reply.data, 0);
  put8(reply.data, kComplete);
  put8(reply.data, 1);  // first track
  put8(reply.data, 1);  // sessions
  put8(reply.data, 1);  // first and last track of the last one
  put8(reply.data, 1);
  put8(reply.data, kUnrestricted);
  put_zeroes(reply.data, 26);
  put_length(reply.data, 0);
  limit(reply.data, get16(packet, 7));
  return reply;
}

// [MMC-6 6.27 "READ TRACK INFORMATION"]
OpticalDrive::Reply OpticalDrive::read_track_information(Packet packet) const {
  constexpr unsigned kData = 0x04, kMode1 = 0x01;
  const unsigned by = packet[1] & 3;
  const u32 which = get32(packet, 2);
  const bool is_track = by == 0 ? which < *blocks_ : which == 1;
  if (!is_track) return {.sense = kInvalidField};
  Reply reply;
  put16(reply.data, 0);
  put8(reply.data, 1);  // track and session
  put8(reply.data, 1);
  put8(reply.data, 0);
  put8(reply.data, kData);
  put8(reply.data, kMode1);
  put8(reply.data, 0);
  put32(reply.data, 0);  // its first block
  put_zeroes(reply.data, 12);
  put32(reply.data, *blocks_);
  put_zeroes(reply.data, 8);
  put_length(reply.data, 0);
  limit(reply.data, get16(packet, 7));
  return reply;
}

// The physical format of a DVD alone. [MMC-6 6.22 "READ DISC STRUCTURE"]
OpticalDrive::Reply OpticalDrive::read_disc_structure(Packet packet) const {
  constexpr u32 kFirstSector = 0x030000;
  if (packet[7] != 0 || !is_dvd()) return {.sense = kInvalidField};
  Reply reply;
  put16(reply.data, 0);
  put16(reply.data, 0);
  put8(reply.data, 0x01);  // DVD-ROM, part version 1
  put8(reply.data, 0x0f);  // 120 mm
  put8(reply.data, 0x01);  // one layer, read-only
  put8(reply.data, 0);
  put32(reply.data, kFirstSector);
  put32(reply.data, kFirstSector + *blocks_ - 1);
  put32(reply.data, 0);
  put_zeroes(reply.data, 2048 - 16);
  put_length(reply.data, 0);
  limit(reply.data, get16(packet, 8));
  return reply;
}

// [MMC-6 6.5 "GET CONFIGURATION", 5 "Features"]
OpticalDrive::Reply OpticalDrive::get_configuration(Packet packet) const {
  constexpr u32 kCdRom = 0x0008, kDvdRom = 0x0010;
  constexpr unsigned kCurrent = 1, kPersistent = 2, kOneOnly = 2;
  constexpr u32 kProfileList = 0, kCore = 1, kRemovableMedium = 3, kRandomReadable = 0x10,
                kCdRead = 0x1e, kDvdRead = 0x1f;
  const unsigned how = packet[1] & 3;
  const u32 from = get16(packet, 2);
  const u32 profile = !has_disc() ? 0 : is_dvd() ? kDvdRom : kCdRom;
  Reply reply;
  put32(reply.data, 0);  // its length, below
  put16(reply.data, 0);
  put16(reply.data, profile);
  const auto feature = [&](u32 code, unsigned version, unsigned flags,
                           const std::vector<u8>& more) {
    if (how == kOneOnly ? code != from : code < from) return;
    if (how == 1 && (flags & kCurrent) == 0) return;
    put16(reply.data, code);
    put8(reply.data, version << 2 | flags);
    put8(reply.data, static_cast<unsigned>(more.size()));
    reply.data.insert(reply.data.end(), more.begin(), more.end());
  };
  const auto current = [&](bool yes) { return yes ? kCurrent : 0u; };
  std::vector<u8> profiles;
  for (const u32 known : {kDvdRom, kCdRom}) {
    put16(profiles, known);
    put8(profiles, current(known == profile));
    put8(profiles, 0);
  }
  feature(kProfileList, 0, kCurrent | kPersistent, profiles);
  feature(kCore, 2, kCurrent | kPersistent, {0, 0, 0, static_cast<u8>(interface_), 1, 0, 0, 0});
  feature(kRemovableMedium, 1, kCurrent | kPersistent, {0x29, 0, 0, 0});  // tray, eject, lock
  feature(kRandomReadable, 0, current(has_disc()), {0, 0, kBlockSize >> 8, 0, 0, 1, 0, 0});
  feature(kCdRead, 2, current(profile == kCdRom), {0, 0, 0, 0});
  feature(kDvdRead, 1, current(profile == kDvdRom), {0, 0, 0, 0});
  reply.data[2] = static_cast<u8>((reply.data.size() - 4) >> 8);
  reply.data[3] = static_cast<u8>(reply.data.size() - 4);
  limit(reply.data, get16(packet, 7));
  return reply;
}

// [MMC-6 7 "Mode parameters"]
OpticalDrive::Reply OpticalDrive::mode_sense(Packet packet, bool short_form) const {
  constexpr unsigned kErrorRecovery = 0x01, kCapabilities = 0x2a, kAll = 0x3f;
  constexpr unsigned kChangeable = 1, kSaved = 3;
  const unsigned page = packet[2] & 0x3f;
  const unsigned kind = packet[2] >> 6;
  if (kind == kSaved || (page != kErrorRecovery && page != kCapabilities && page != kAll))
    return {.sense = kInvalidField};
  std::vector<u8> pages;
  if (page == kErrorRecovery || page == kAll) {
    put8(pages, kErrorRecovery);
    put8(pages, 6);
    put_zeroes(pages, 1);
    put8(pages, kind == kChangeable ? 0 : 5);  // tries
    put_zeroes(pages, 4);
  }
  if (page == kCapabilities || page == kAll) {
    constexpr unsigned kSpeed = 50 * 176;  // kB/s
    const unsigned lock = state_.locked ? 0x02 : 0;
    std::vector<u8> capabilities;
    put8(capabilities, 0x3b);  // reads CD-R, CD-RW, DVD
    put8(capabilities, 0);     // writes nothing
    put8(capabilities, 0x70);  // mode 2, several sessions
    put8(capabilities, 0);
    put8(capabilities, 0x29 | lock);  // tray, eject, lock
    put8(capabilities, 0);
    put16(capabilities, kSpeed);
    put16(capabilities, 0);
    put16(capabilities, 512);  // KiB of its buffer
    put16(capabilities, kSpeed);
    put_zeroes(capabilities, 4);
    if (kind == kChangeable) capabilities.assign(capabilities.size(), 0);
    put8(pages, kCapabilities);
    put8(pages, static_cast<unsigned>(capabilities.size()));
    pages.insert(pages.end(), capabilities.begin(), capabilities.end());
  }
  Reply reply;
  const unsigned medium = !has_disc() ? 0x70 : 0x01;
  if (short_form) {
    put8(reply.data, static_cast<unsigned>(pages.size()) + 3);
    put8(reply.data, medium);
    put_zeroes(reply.data, 2);
  } else {
    put16(reply.data, static_cast<u32>(pages.size()) + 6);
    put8(reply.data, medium);
    put_zeroes(reply.data, 5);
  }
  reply.data.insert(reply.data.end(), pages.begin(), pages.end());
  limit(reply.data, short_form ? packet[4] : get16(packet, 7));
  return reply;
}

}  // namespace backplane::mmc
