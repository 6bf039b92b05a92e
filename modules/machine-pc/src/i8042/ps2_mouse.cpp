// SPDX-License-Identifier: MIT
#include "i8042/ps2_mouse.h"

#include <algorithm>

namespace backplane::pc {

namespace {

enum Command : u8 {
  kScaling1 = 0xe6,
  kScaling2 = 0xe7,
  kSetResolution = 0xe8,
  kStatus = 0xe9,
  kStream = 0xea,
  kReadData = 0xeb,
  kEndWrap = 0xec,
  kWrap = 0xee,
  kRemote = 0xf0,
  kIdentify = 0xf2,
  kSetRate = 0xf3,
  kEnable = 0xf4,
  kDisable = 0xf5,
  kSetDefaults = 0xf6,
  kResend = 0xfe,
  kReset = 0xff,
};
constexpr u8 kAck = 0xfa, kTestPassed = 0xaa, kAgain = 0xfe;
constexpr u8 kWheelMouse = 3, kFiveButtons = 4;
constexpr i32 kMostMovement = 255, kMostWheel = 7;
constexpr i32 kMostKept = 1 << 16;

// Bits of a packet's first byte, and of the fourth one of five buttons.
enum Button : u8 { kLeft = 1, kRight = 2, kMiddle = 4, kSide = 0x10, kExtra = 0x20 };
constexpr u8 kFirstThree = kLeft | kRight | kMiddle;

u8 bit_of(PointerButton button) {
  switch (button) {
    case PointerButton::Left:
      return kLeft;
    case PointerButton::Right:
      return kRight;
    case PointerButton::Middle:
      return kMiddle;
    case PointerButton::Side:
      return kSide;
    case PointerButton::Extra:
      return kExtra;
    default:
      return 0;
  }
}

void add(i32& sum, i32 by) {
  sum = std::clamp(sum + std::clamp(by, -kMostKept, kMostKept), -kMostKept, kMostKept);
}

}  // namespace

std::span<const StateMember> Ps2Mouse::State::members() {
  static const StateMember kMembers[] = {
      member<&State::queue>("queue"),
      member<&State::awaits>("awaits"),
      member<&State::identity>("identity"),
      member<&State::rate>("rate"),
      member<&State::rates_before>("rates_before"),
      member<&State::resolution>("resolution"),
      member<&State::scaling>("scaling"),
      member<&State::enabled>("enabled"),
      member<&State::remote>("remote"),
      member<&State::wrap>("wrap"),
      member<&State::dx>("dx"),
      member<&State::dy>("dy"),
      member<&State::dz>("dz"),
      member<&State::buttons>("buttons"),
      member<&State::buttons_told>("buttons_told"),
  };
  return kMembers;
}

std::span<const StateMember> Ps2Mouse::members() {
  static const StateMember kMembers[] = {member<&Ps2Mouse::state_>("state")};
  return kMembers;
}

// --- what happens -------------------------------------------------------------------------------

void Ps2Mouse::move_by(i32 dx, i32 dy) {
  if (!state_.enabled) return;
  add(state_.dx, dx);
  add(state_.dy, dy);
}

void Ps2Mouse::button(PointerButton button, bool down) {
  if (button == PointerButton::WheelUp || button == PointerButton::WheelDown) {
    if (down && state_.enabled) add(state_.dz, button == PointerButton::WheelUp ? -1 : 1);
    return;
  }
  const u8 bit = bit_of(button);
  state_.buttons = static_cast<u8>(down ? state_.buttons | bit : state_.buttons & ~bit);
}

void Ps2Mouse::sync() {
  if (!reports()) return;
  add_packets();
  tell_data();
}

bool Ps2Mouse::has_news() const {
  const u8 seen = state_.identity == kFiveButtons ? kFirstThree | kSide | kExtra : kFirstThree;
  return state_.dx != 0 || state_.dy != 0 || (state_.dz != 0 && state_.identity != 0) ||
         ((state_.buttons ^ state_.buttons_told) & seen) != 0;
}

void Ps2Mouse::add_packets() {
  while (has_news() && state_.queue.has_room_for_event(4)) state_.queue.add(packet());
}

std::vector<u8> Ps2Mouse::packet() {
  const auto take = [](i32& sum, i32 most) {
    const i32 part = std::clamp(sum, -most, most);
    sum -= part;
    return part;
  };
  const i32 dx = take(state_.dx, kMostMovement);
  const i32 dy = -take(state_.dy, kMostMovement);
  std::vector<u8> bytes{static_cast<u8>(0x08 | (state_.buttons & kFirstThree) |
                                        (dx < 0 ? 0x10 : 0) | (dy < 0 ? 0x20 : 0)),
                        static_cast<u8>(dx), static_cast<u8>(dy)};
  const i32 dz = take(state_.dz, state_.identity == 0 ? kMostKept : kMostWheel);
  if (state_.identity == kWheelMouse) bytes.push_back(static_cast<u8>(dz));
  if (state_.identity == kFiveButtons)
    bytes.push_back(static_cast<u8>((dz & 0x0f) | (state_.buttons & (kSide | kExtra))));
  state_.buttons_told = state_.buttons;
  return bytes;
}

std::optional<u8> Ps2Mouse::read() {
  const std::optional<u8> byte = state_.queue.take();
  if (reports()) add_packets();
  return byte;
}

// --- what the guest says ------------------------------------------------------------------------

void Ps2Mouse::write(u8 byte) {
  if (state_.wrap && byte != kEndWrap && byte != kReset) {
    state_.queue.add({byte});
  } else if (state_.awaits != 0) {
    parameter(std::exchange(state_.awaits, u8{0}), byte);
  } else {
    command(byte);
  }
  tell_data();
}

void Ps2Mouse::parameter(u8 command, u8 value) {
  if (command == kSetRate)
    set_rate(value);
  else
    state_.resolution = value & 3;
  state_.queue.add({kAck});
}

void Ps2Mouse::set_rate(u8 rate) {
  const auto& [first, second] = state_.rates_before;
  if (first == 200 && second == 100 && rate == 80) state_.identity = kWheelMouse;
  if (first == 200 && second == 200 && rate == 80 && state_.identity != 0)
    state_.identity = kFiveButtons;
  state_.rates_before = {second, rate};
  state_.rate = rate;
}

void Ps2Mouse::set_defaults() {
  const State fresh;
  state_.rate = fresh.rate;
  state_.resolution = fresh.resolution;
  state_.scaling = state_.enabled = state_.remote = false;
}

std::vector<u8> Ps2Mouse::status() const {
  const u8 buttons = state_.buttons;
  return {kAck,
          static_cast<u8>((state_.remote ? 0x40 : 0) | (state_.enabled ? 0x20 : 0) |
                          (state_.scaling ? 0x10 : 0) | ((buttons & kLeft) != 0 ? 4 : 0) |
                          ((buttons & kMiddle) != 0 ? 2 : 0) | ((buttons & kRight) != 0 ? 1 : 0)),
          state_.resolution, state_.rate};
}

void Ps2Mouse::command(u8 byte) {
  switch (byte) {
    case kScaling1:
    case kScaling2:
      state_.scaling = byte == kScaling2;
      break;
    case kSetResolution:
    case kSetRate:
      state_.awaits = byte;
      break;
    case kStatus:
      state_.queue.add(status());
      return;
    case kStream:
    case kRemote:
      state_.remote = byte == kRemote;
      break;
    case kReadData:
      if (state_.queue.add({kAck})) state_.queue.add(packet());
      return;
    case kEndWrap:
    case kWrap:
      state_.wrap = byte == kWrap;
      break;
    case kIdentify:
      state_.queue.add({kAck, state_.identity});
      return;
    case kEnable:
    case kDisable:
      state_.enabled = byte == kEnable;
      break;
    case kSetDefaults:
      set_defaults();
      break;
    case kResend:
      state_.queue.add({state_.queue.last()});
      return;
    case kReset:
      reset();
      state_.queue.add({kAck, kTestPassed, state_.identity});
      return;
    default:
      state_.queue.add({kAgain});
      return;
  }
  state_.queue.add({kAck});
}

}  // namespace backplane::pc
