// SPDX-License-Identifier: MIT
// Which packet does what, and the state of drive and tray.
#include "mmc/optical_drive.h"

#include <utility>

#include "mmc/packet_bytes.h"

namespace backplane::mmc {

namespace {

enum Opcode : u8 {
  kTestUnitReady = 0x00,
  kRequestSense = 0x03,
  kInquiry = 0x12,
  kModeSense6 = 0x1a,
  kStartStopUnit = 0x1b,
  kPreventAllowRemoval = 0x1e,
  kReadCapacity = 0x25,
  kRead10 = 0x28,
  kSeek10 = 0x2b,
  kReadToc = 0x43,
  kGetConfiguration = 0x46,
  kGetEventStatus = 0x4a,
  kReadDiscInformation = 0x51,
  kReadTrackInformation = 0x52,
  kModeSense10 = 0x5a,
  kReportLuns = 0xa0,
  kRead12 = 0xa8,
  kReadDiscStructure = 0xad,
  kSetCdSpeed = 0xbb,
  kMechanismStatus = 0xbd,
  kReadCd = 0xbe,
};

// Carried out although the medium may have changed. [MMC-6 4.1.6.1]
bool keeps_attention(u8 opcode) {
  return opcode == kInquiry || opcode == kRequestSense || opcode == kGetConfiguration ||
         opcode == kGetEventStatus || opcode == kReportLuns;
}

bool needs_disc(u8 opcode) {
  switch (opcode) {
    case kTestUnitReady:
    case kReadCapacity:
    case kRead10:
    case kRead12:
    case kReadCd:
    case kSeek10:
    case kReadToc:
    case kReadDiscInformation:
    case kReadTrackInformation:
    case kReadDiscStructure:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::span<const StateMember> Sense::members() {
  static const StateMember kMembers[] = {
      member<&Sense::key>("key", within(0, 15)),
      member<&Sense::code>("code"),
      member<&Sense::qualifier>("qualifier"),
  };
  return kMembers;
}

std::span<const StateMember> OpticalDrive::State::members() {
  static const StateMember kMembers[] = {
      member<&State::sense>("sense"),
      member<&State::attention>("attention"),
      member<&State::events>("event", within(0, kMediumMoved | kEjectRequested)),
      member<&State::tray_open>("tray_open"),
      member<&State::locked>("locked"),
  };
  return kMembers;
}

std::span<const StateMember> OpticalDrive::members() {
  static const StateMember kMembers[] = {member<&OpticalDrive::state_>("state")};
  return kMembers;
}

OpticalDrive::OpticalDrive(std::string product, std::string revision, Interface interface)
    : product_(std::move(product)), revision_(std::move(revision)), interface_(interface) {}

void OpticalDrive::set_disc(std::optional<u32> blocks, bool changed) {
  blocks_ = blocks;
  if (!changed) return;
  state_.attention = true;
  state_.events |= kMediumMoved;
  put_tray(false);
}

bool OpticalDrive::put_tray(bool open) {
  if (open == state_.tray_open) return false;
  state_.tray_open = open;
  if (tray_moved_) tray_moved_();
  return true;
}

void OpticalDrive::move_tray(bool open) {
  if (!put_tray(open)) return;
  // One that was asked for its disc learns of that as well, though the tray did not wait for it.
  state_.events = static_cast<u8>(open ? state_.events | kMediumMoved : kMediumMoved);
  if (has_disc()) state_.attention = true;
}

void OpticalDrive::reset() {
  const bool open = state_.tray_open;
  state_ = {};
  state_.tray_open = open;
}

std::optional<Sense> OpticalDrive::refusal(u8 opcode) {
  if (state_.attention && !keeps_attention(opcode)) {
    state_.attention = false;
    return has_disc() ? kMediumChanged : kMediumNotPresent;
  }
  if (needs_disc(opcode) && !has_disc()) return kMediumNotPresent;
  return std::nullopt;
}

OpticalDrive::Reply OpticalDrive::execute(Packet packet) {
  const u8 opcode = packet[0];
  if (opcode == kRequestSense) return request_sense(packet);
  if (const auto refused = refusal(opcode)) return {.sense = *refused};
  switch (opcode) {
    case kTestUnitReady:
    case kSetCdSpeed:
      return {};
    case kInquiry:
      return inquiry(packet);
    case kStartStopUnit:
      return start_stop(packet);
    case kPreventAllowRemoval:
      state_.locked = (packet[4] & 1) != 0;
      return {};
    case kReadCapacity:
      return read_capacity();
    case kRead10:
      return read_blocks(get32(packet, 2), get16(packet, 7));
    case kRead12:
      return read_blocks(get32(packet, 2), get32(packet, 6));
    case kReadCd:
      return read_cd(packet);
    case kSeek10:
      return get32(packet, 2) < *blocks_ ? Reply{} : Reply{.sense = kBlockOutOfRange};
    case kReadToc:
      return read_toc(packet);
    case kReadDiscInformation:
      return read_disc_information(packet);
    case kReadTrackInformation:
      return read_track_information(packet);
    case kReadDiscStructure:
      return read_disc_structure(packet);
    case kGetConfiguration:
      return get_configuration(packet);
    case kGetEventStatus:
      return get_event_status(packet);
    case kModeSense6:
      return mode_sense(packet, true);
    case kModeSense10:
      return mode_sense(packet, false);
    case kMechanismStatus:
      return mechanism_status(packet);
    default:
      return {.sense = kInvalidOpcode};
  }
}

OpticalDrive::Reply OpticalDrive::request_sense(Packet packet) {
  constexpr unsigned kCurrent = 0x70, kFollowing = 10;
  Sense sense = std::exchange(state_.sense, kNoSense);
  if (sense == kNoSense && state_.attention) {
    state_.attention = false;
    sense = has_disc() ? kMediumChanged : kMediumNotPresent;
  }
  Reply reply;
  put8(reply.data, kCurrent);
  put8(reply.data, 0);
  put8(reply.data, sense.key);
  put_zeroes(reply.data, 4);
  put8(reply.data, kFollowing);
  put_zeroes(reply.data, 4);
  put8(reply.data, sense.code);
  put8(reply.data, sense.qualifier);
  put_zeroes(reply.data, 4);
  limit(reply.data, packet[4]);
  return reply;
}

// [MMC-6 6.43 "START STOP UNIT"]
OpticalDrive::Reply OpticalDrive::start_stop(Packet packet) {
  constexpr u8 kLoadEject = 2, kStart = 1, kPowerConditions = 0xf0;
  if ((packet[4] & kPowerConditions) != 0 || (packet[4] & kLoadEject) == 0) return {};
  const bool open = (packet[4] & kStart) == 0;
  if (open && state_.locked) return {.sense = kRemovalPrevented};
  if (put_tray(open)) state_.events = kMediumMoved;
  return {};
}

// [MMC-6 6.6 "GET EVENT STATUS NOTIFICATION", "Media Status Event Format"]
u8 OpticalDrive::take_event() {
  constexpr u8 kNoChange = 0, kEjectRequest = 1, kNewMedia = 2, kMediaRemoval = 3;
  if ((state_.events & kEjectRequested) != 0) {
    state_.events &= static_cast<u8>(~kEjectRequested);
    return kEjectRequest;
  }
  if (state_.events == 0) return kNoChange;
  state_.events = 0;
  return has_disc() ? kNewMedia : kMediaRemoval;
}

// [MMC-6 6.6 "GET EVENT STATUS NOTIFICATION"]
OpticalDrive::Reply OpticalDrive::get_event_status(Packet packet) {
  constexpr u8 kPolled = 1, kMediaClass = 4, kMediaBit = 1 << kMediaClass, kNone = 0x80;
  if ((packet[1] & kPolled) == 0) return {.sense = kInvalidField};
  Reply reply;
  put16(reply.data, 0);
  if ((packet[4] & kMediaBit) == 0) {
    put8(reply.data, kNone);
    put8(reply.data, kMediaBit);
  } else {
    put8(reply.data, kMediaClass);
    put8(reply.data, kMediaBit);
    put8(reply.data, take_event());
    put8(reply.data, (state_.tray_open ? 1 : 0) | (has_disc() ? 2 : 0));
    put16(reply.data, 0);
  }
  put_length(reply.data, 0);
  limit(reply.data, get16(packet, 7));
  return reply;
}

OpticalDrive::Reply OpticalDrive::mechanism_status(Packet packet) const {
  constexpr unsigned kDoorOpen = 0x10;
  Reply reply;
  put8(reply.data, 0);
  put8(reply.data, state_.tray_open ? kDoorOpen : 0);
  put_zeroes(reply.data, 3);
  put8(reply.data, 1);  // slots
  put_zeroes(reply.data, 2);
  limit(reply.data, get16(packet, 8));
  return reply;
}

}  // namespace backplane::mmc
