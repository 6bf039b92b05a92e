// SPDX-License-Identifier: MIT
#include "piix3/bus_master.h"

#include <algorithm>
#include <array>

namespace backplane::ide {

namespace {

enum Offset : unsigned { kCommand = 0, kStatus = 2, kTable = 4 };
constexpr u8 kStart = 0x01, kToMemory = 0x08;
constexpr u8 kActive = 0x01, kError = 0x02, kInterrupt = 0x04, kCapable = 0x60;

constexpr u32 kDescriptorSize = 8, kEndOfTable = 0x8000'0000, kSegment = 64 << 10;

}  // namespace

std::span<const StateMember> BusMaster::State::members() {
  static const StateMember kMembers[] = {
      member<&State::command>("command"), member<&State::status>("status"),
      member<&State::table>("table"),     member<&State::entry>("entry"),
      member<&State::address>("address"), member<&State::left>("left"),
      member<&State::last>("last"),       member<&State::intrq>("intrq"),
  };
  return kMembers;
}

std::span<const StateMember> BusMaster::members() {
  static const StateMember kMembers[] = {member<&BusMaster::state_>("state")};
  return kMembers;
}

u32 BusMaster::read(unsigned offset, unsigned size) const {
  if (size > 1) {
    const unsigned half = size / 2;
    return read(offset, half) | read(offset + half, half) << half * 8;
  }
  switch (offset) {
    case kCommand:
      return state_.command;
    case kStatus:
      return state_.status;
    default:
      return offset >= kTable ? state_.table >> (offset - kTable) * 8 & 0xff : 0;
  }
}

void BusMaster::write(unsigned offset, u32 value, unsigned size) {
  if (size > 1) {
    // The status before the command, which starts.
    const unsigned half = size / 2;
    write(offset + half, value >> half * 8, half);
    write(offset, value, half);
  } else if (offset >= kTable) {
    const unsigned shift = (offset - kTable) * 8;
    state_.table = ((state_.table & ~(u32{0xff} << shift)) | (value & 0xff) << shift) & ~u32{3};
  } else if (offset == kCommand) {
    write_command(static_cast<u8>(value));
  } else if (offset == kStatus) {
    // Writing a one clears what happened, and sets what firmware says of the drives.
    const u8 kept = state_.status & static_cast<u8>(~value) & (kError | kInterrupt);
    state_.status = static_cast<u8>((state_.status & kActive) | kept | (value & kCapable));
  }
}

void BusMaster::write_command(u8 value) {
  const bool was_started = (state_.command & kStart) != 0;
  state_.command = value & (kStart | kToMemory);
  const bool started = (value & kStart) != 0;
  if (started == was_started) return;
  if (!started) {
    state_.status &= static_cast<u8>(~kActive);
    channel_->dma_stopped();
    return;
  }
  state_.status |= kActive;
  state_.entry = state_.table;
  state_.left = 0;
  state_.last = false;
  channel_->dma_started();
}

void BusMaster::set_intrq(bool level) {
  if (level && !state_.intrq) state_.status |= kInterrupt;
  state_.intrq = level;
}

void BusMaster::end(u8 status_bits) {
  state_.status = static_cast<u8>((state_.status & ~kActive) | status_bits);
}

// False: there is none left, or none can be read.
bool BusMaster::next_descriptor() {
  if (state_.last) {
    end(0);
    return false;
  }
  std::array<u32, 2> raw{};
  if (device_->dma_read(state_.entry, raw.data(), kDescriptorSize) != MemResult::Ok) {
    end(kError);
    return false;
  }
  state_.entry += kDescriptorSize;
  state_.address = raw[0] & ~u32{1};
  state_.left = raw[1] & 0xfffe;
  if (state_.left == 0) state_.left = kSegment;
  state_.last = (raw[1] & kEndOfTable) != 0;
  return true;
}

std::size_t BusMaster::transfer(std::span<u8> data, bool to_memory) {
  std::size_t moved = 0;
  while ((state_.status & kActive) != 0 && moved < data.size()) {
    if (state_.left == 0 && !next_descriptor()) break;
    const auto piece = static_cast<u32>(std::min<std::size_t>(state_.left, data.size() - moved));
    const MemResult result = to_memory
                                 ? device_->dma_write(state_.address, data.data() + moved, piece)
                                 : device_->dma_read(state_.address, data.data() + moved, piece);
    if (result != MemResult::Ok) {
      end(kError);
      break;
    }
    state_.address += piece;
    state_.left -= piece;
    moved += piece;
  }
  if (state_.left == 0 && state_.last) end(0);
  return moved;
}

}  // namespace backplane::ide
