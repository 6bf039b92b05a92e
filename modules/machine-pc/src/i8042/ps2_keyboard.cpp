// SPDX-License-Identifier: MIT
#include "i8042/ps2_keyboard.h"

#include "i8042/scan_codes.h"

namespace backplane::pc {

namespace {

enum Command : u8 {
  kSetLeds = 0xed,
  kEcho = 0xee,
  kScanCodeSet = 0xf0,
  kIdentify = 0xf2,
  kSetRate = 0xf3,
  kEnable = 0xf4,
  kDisable = 0xf5,
  kSetDefault = 0xf6,
  kAllTypematic = 0xf7,
  kAllTypematicMakeBreak = 0xfa,
  kKeyTypematic = 0xfb,
  kKeyMake = 0xfd,
  kResend = 0xfe,
  kReset = 0xff,
};
constexpr u8 kAck = 0xfa, kTestPassed = 0xaa, kAgain = 0xfe;
constexpr u8 kIdentity[] = {0xab, 0x83};
constexpr KeyCode kLeftAlt = 56, kRightAlt = 100;

}  // namespace

std::span<const StateMember> Ps2Keyboard::State::members() {
  static const StateMember kMembers[] = {
      member<&State::queue>("queue"),
      member<&State::awaits>("awaits"),
      member<&State::set>("set", within(1, 3)),
      member<&State::leds>("leds"),
      member<&State::rate>("rate"),
      member<&State::scanning>("scanning"),
      member<&State::alt>("alt"),
  };
  return kMembers;
}

std::span<const StateMember> Ps2Keyboard::members() {
  static const StateMember kMembers[] = {member<&Ps2Keyboard::state_>("state")};
  return kMembers;
}

void Ps2Keyboard::key(KeyCode code, bool down) {
  if (code == kLeftAlt || code == kRightAlt) state_.alt = down;
  if (!state_.scanning) return;
  const std::vector<u8> bytes = scan_code(state_.set, code, down, state_.alt);
  // A release may take the room of answers: what was said to be down must not stay so.
  if (down && !state_.queue.has_room_for_event(bytes.size())) return;
  if (state_.queue.add(bytes)) tell_data();
}

void Ps2Keyboard::write(u8 byte) {
  if (state_.awaits != 0 && byte < kSetLeds) {
    parameter(std::exchange(state_.awaits, u8{0}), byte);
  } else {
    state_.awaits = 0;
    command(byte);
  }
  tell_data();
}

void Ps2Keyboard::parameter(u8 command, u8 value) {
  switch (command) {
    case kSetLeds:
      state_.leds = value & 7;
      break;
    case kScanCodeSet:
      if (value > 3) {
        state_.queue.add({kAgain});
        return;
      }
      if (value == 0) {
        state_.queue.add({kAck, state_.set});
        return;
      }
      state_.set = value;
      break;
    case kSetRate:
      state_.rate = value & 0x7f;
      break;
    default:
      // Of set 3: which keys repeat and tell of their release. More keys may follow.
      state_.awaits = command;
      break;
  }
  state_.queue.add({kAck});
}

void Ps2Keyboard::set_defaults() {
  state_.set = 2;
  state_.rate = State{}.rate;
}

void Ps2Keyboard::command(u8 byte) {
  switch (byte) {
    case kEcho:
      state_.queue.add({kEcho});
      return;
    case kIdentify:
      state_.queue.add({kAck, kIdentity[0], kIdentity[1]});
      return;
    case kSetLeds:
    case kScanCodeSet:
    case kSetRate:
      state_.awaits = byte;
      break;
    case kEnable:
      state_.queue.clear();
      state_.scanning = true;
      break;
    case kDisable:
      state_.queue.clear();
      set_defaults();
      state_.scanning = false;
      break;
    case kSetDefault:
      state_.queue.clear();
      set_defaults();
      break;
    case kResend:
      state_.queue.add({state_.queue.last()});
      return;
    case kReset:
      reset();
      state_.queue.add({kAck, kTestPassed});
      return;
    default:
      if (byte >= kAllTypematic && byte <= kAllTypematicMakeBreak) break;
      if (byte >= kKeyTypematic && byte <= kKeyMake) {
        state_.awaits = byte;
        break;
      }
      state_.queue.add({kAgain});
      return;
  }
  state_.queue.add({kAck});
}

}  // namespace backplane::pc
