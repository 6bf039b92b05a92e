// SPDX-License-Identifier: MIT
#include "pflash/cfi_flash.h"

#include <algorithm>
#include <array>
#include <bit>

namespace backplane::pc {

namespace {

enum Command : u8 {
  kReadArrayOld = 0x00,
  kProgramOld = 0x10,
  kErase = 0x20,
  kProgram = 0x40,
  kClearStatus = 0x50,
  kLock = 0x60,
  kReadStatus = 0x70,
  kReadIdentity = 0x90,
  kReadQuery = 0x98,
  kConfirm = 0xd0,
  kBufferedProgram = 0xe8,
  kReadArray = 0xff,
};

namespace status {
constexpr u8 kProtected = 0x02, kProgramError = 0x10, kEraseError = 0x20, kReady = 0x80;
}

constexpr u8 kManufacturer = 0x89, kDevice = 0x18;  // Intel
constexpr u8 kErased = 0xff;

}  // namespace

std::span<const StateMember> CfiFlash::State::members() {
  static const StateMember kMembers[] = {
      member<&State::mode>("mode", within(Mode::Contents, Mode::Query)),
      member<&State::awaits>("awaits", within(Awaits::Command, Awaits::ProgramConfirm)),
      member<&State::status>("status"),
      member<&State::first>("first"),
      member<&State::buffer>("buffer", up_to(kBufferSize)),
      member<&State::expected>("expected", within(0, kBufferSize)),
  };
  return kMembers;
}

std::span<const StateMember> CfiFlash::members() {
  static const StateMember kMembers[] = {member<&CfiFlash::state_>("state")};
  return kMembers;
}

void CfiFlash::reset() {
  state_ = {};
  on_mode_(true);
}

void CfiFlash::set_mode(Mode mode) {
  const bool was = reads_contents();
  state_.mode = mode;
  if (was != reads_contents()) on_mode_(reads_contents());
}

u8 CfiFlash::read(u64 offset) const {
  switch (state_.mode) {
    case Mode::Status:
      return state_.status;
    case Mode::Identity:
      return offset % kBlockSize == 0 ? kManufacturer : offset % kBlockSize == 1 ? kDevice : 0;
    case Mode::Query:
      return query(offset);
    case Mode::Contents:
      break;
  }
  return contents_[offset];
}

// [JESD68.01 "Query structure output"]
u8 CfiFlash::query(u64 offset) const {
  constexpr u64 kStart = 0x10;
  const auto blocks = static_cast<u32>(contents_.size() / kBlockSize - 1);
  const u8 size_log = static_cast<u8>(std::bit_width(contents_.size() - 1));
  const u8 buffer_log = static_cast<u8>(std::bit_width(kBufferSize - 1));
  const std::array<u8, 33> table{'Q',
                                 'R',
                                 'Y',
                                 0x01,
                                 0x00,  // Intel's extended command set
                                 0x31,
                                 0x00,  // its table
                                 0x00,
                                 0x00,
                                 0x00,
                                 0x00,  // no other set
                                 0x45,
                                 0x55,
                                 0x00,
                                 0x00,  // volts
                                 0x07,
                                 0x07,
                                 0x0a,
                                 0x00,  // usual times, and how many times as long it may take
                                 0x04,
                                 0x04,
                                 0x04,
                                 0x00,
                                 size_log,
                                 0x02,
                                 0x00,  // x8 and x16
                                 buffer_log,
                                 0x00,
                                 0x01,  // one region of blocks
                                 static_cast<u8>(blocks),
                                 static_cast<u8>(blocks >> 8),
                                 static_cast<u8>(kBlockSize >> 8),
                                 static_cast<u8>(kBlockSize >> 16)};
  return offset >= kStart && offset - kStart < table.size() ? table[offset - kStart] : 0;
}

bool CfiFlash::refuses(u8 status_bit) {
  if (read_only_) state_.status |= status_bit | status::kProtected | status::kReady;
  return read_only_;
}

// Programming clears bits.
void CfiFlash::program(u64 offset, std::span<const u8> bytes) {
  if (refuses(status::kProgramError)) return;
  const u64 size = std::min<u64>(bytes.size(), contents_.size() - offset);
  for (u64 i = 0; i < size; ++i) contents_[offset + i] &= bytes[i];
  state_.status |= status::kReady;
  on_change_(offset, size);
}

void CfiFlash::erase(u64 offset) {
  if (refuses(status::kEraseError)) return;
  const u64 start = offset - offset % kBlockSize;
  std::fill_n(contents_.begin() + static_cast<std::ptrdiff_t>(start), kBlockSize, kErased);
  state_.status |= status::kReady;
  on_change_(start, kBlockSize);
}

void CfiFlash::command(u8 value) {
  switch (value) {
    case kProgram:
    case kProgramOld:
      state_.awaits = Awaits::Byte;
      return set_mode(Mode::Status);
    case kErase:
      state_.awaits = Awaits::EraseConfirm;
      return set_mode(Mode::Status);
    case kBufferedProgram:
      state_.awaits = Awaits::Count;
      return set_mode(Mode::Status);
    case kLock:
      state_.awaits = Awaits::Lock;
      return set_mode(Mode::Status);
    // OVMF knows the chip by a status that is all zeroes then.
    case kClearStatus:
      state_.status = 0;
      return set_mode(Mode::Contents);
    case kReadStatus:
      return set_mode(Mode::Status);
    case kReadIdentity:
      return set_mode(Mode::Identity);
    case kReadQuery:
      return set_mode(Mode::Query);
    case kReadArray:
    case kReadArrayOld:
    default:
      return set_mode(Mode::Contents);
  }
}

void CfiFlash::write(u64 offset, u8 value) {
  const Awaits awaited = state_.awaits;
  state_.awaits = Awaits::Command;
  switch (awaited) {
    case Awaits::Command:
      return command(value);
    case Awaits::Byte:
      return program(offset, {&value, 1});
    case Awaits::EraseConfirm:
      if (value == kConfirm)
        erase(offset);
      else
        state_.status |= status::kEraseError | status::kProgramError;
      return;
    case Awaits::Lock:
      return;
    case Awaits::Count:
      state_.expected = std::min(value + 1u, kBufferSize);
      state_.buffer.clear();
      state_.awaits = Awaits::Bytes;
      return;
    case Awaits::Bytes:
      if (state_.buffer.empty()) state_.first = static_cast<u32>(offset);
      state_.buffer.push_back(value);
      state_.awaits =
          state_.buffer.size() < state_.expected ? Awaits::Bytes : Awaits::ProgramConfirm;
      return;
    case Awaits::ProgramConfirm:
      if (value == kConfirm && state_.first < contents_.size())
        program(state_.first, state_.buffer);
      else
        state_.status |= status::kProgramError;
      state_.buffer.clear();
      return;
  }
}

}  // namespace backplane::pc
