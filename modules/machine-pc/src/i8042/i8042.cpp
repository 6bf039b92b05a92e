// SPDX-License-Identifier: MIT
#include "i8042/i8042.h"

namespace backplane::pc {

namespace {

// Status register.
constexpr u8 kOutputFull = 0x01, kSystemFlag = 0x04, kCommandLast = 0x08, kUnlocked = 0x10;
// Command byte.
constexpr u8 kKeyboardInterrupt = 0x01, kSystem = 0x04;

// Controller commands.
constexpr u8 kReadMode = 0x20, kWriteMode = 0x60, kDisableAux = 0xa7, kEnableAux = 0xa8,
             kTestAux = 0xa9, kSelfTest = 0xaa, kTestKeyboard = 0xab, kDisableKeyboard = 0xad,
             kEnableKeyboard = 0xae, kReadInput = 0xc0, kReadOutput = 0xd0, kWriteOutput = 0xd1,
             kWriteKeyboardBuffer = 0xd2, kWriteAuxBuffer = 0xd3, kWriteAux = 0xd4,
             kPulseOutput = 0xf0;
constexpr u8 kSelfTestPassed = 0x55, kTestPassed = 0x00, kAuxMissing = 0x04;
constexpr u8 kOutputNotReset = 0x01, kOutputA20 = 0x02;

// Keyboard commands and answers.
constexpr u8 kSetLeds = 0xed, kEcho = 0xee, kScanCodeSet = 0xf0, kIdentify = 0xf2, kSetRate = 0xf3,
             kResetKeyboard = 0xff;
constexpr u8 kAck = 0xfa, kKeyboardTestPassed = 0xaa;

constexpr std::size_t kOutputLimit = 16;

}  // namespace

std::span<const StateMember> KeyboardController::State::members() {
  static const StateMember kMembers[] = {
      member<&State::output>("output", up_to(kOutputLimit)),
      member<&State::mode>("mode"),
      member<&State::awaits>("awaits"),
      member<&State::keyboard_awaits>("keyboard_awaits"),
      member<&State::last_was_command>("last_was_command"),
  };
  return kMembers;
}

std::span<const StateMember> KeyboardController::members() {
  static const StateMember kMembers[] = {
      member<&KeyboardController::state_>("state"),
  };
  return kMembers;
}

void KeyboardController::reset() {
  state_ = {};
  update_irq();
}

void KeyboardController::answer(u8 byte) {
  if (state_.output.size() < kOutputLimit) state_.output.push_back(byte);
  update_irq();
}

void KeyboardController::update_irq() {
  irq_.set(!state_.output.empty() && (state_.mode & kKeyboardInterrupt) != 0);
}

u8 KeyboardController::read_data() {
  if (state_.output.empty()) return 0;
  const u8 byte = state_.output.front();
  state_.output.erase(state_.output.begin());
  irq_.lower();  // each byte has its own edge
  update_irq();
  return byte;
}

u8 KeyboardController::read_status() {
  return static_cast<u8>(kUnlocked | (state_.mode & kSystem ? kSystemFlag : 0) |
                         (state_.last_was_command ? kCommandLast : 0) |
                         (state_.output.empty() ? 0 : kOutputFull));
}

void KeyboardController::write_command(u8 v) {
  state_.last_was_command = true;
  state_.awaits = 0;
  if ((v & 0xf0) == kPulseOutput) {
    if ((v & kOutputNotReset) == 0) reset_machine_();
    return;
  }
  switch (v) {
    case kReadMode:
      answer(state_.mode);
      break;
    case kDisableAux:
      state_.mode |= 0x20;
      break;
    case kEnableAux:
      state_.mode &= static_cast<u8>(~0x20);
      break;
    case kTestAux:
      answer(kAuxMissing);
      break;
    case kSelfTest:
      state_.mode |= kSystem;
      state_.output.clear();
      answer(kSelfTestPassed);
      break;
    case kTestKeyboard:
      answer(kTestPassed);
      break;
    case kDisableKeyboard:
      state_.mode |= 0x10;
      break;
    case kEnableKeyboard:
      state_.mode &= static_cast<u8>(~0x10);
      break;
    case kReadInput:
      answer(0x80);
      break;  // keyboard not locked
    case kReadOutput:
      answer(kOutputNotReset | kOutputA20);
      break;
    case kWriteMode:
    case kWriteOutput:
    case kWriteKeyboardBuffer:
    case kWriteAuxBuffer:
    case kWriteAux:
      state_.awaits = v;
      break;
    default:
      unimplemented_.of_kind(fmt::format("{:x}", v), "i8042: controller command {:#04x}", v);
      break;
  }
}

void KeyboardController::controller_data(u8 command, u8 v) {
  switch (command) {
    case kWriteMode:
      state_.mode = v;
      update_irq();
      break;
    case kWriteOutput:
      if ((v & kOutputNotReset) == 0) reset_machine_();
      break;
    case kWriteKeyboardBuffer:
      answer(v);
      break;
    default:
      unimplemented_("i8042: there is no auxiliary device");
      break;
  }
}

void KeyboardController::write_data(u8 v) {
  state_.last_was_command = false;
  if (state_.awaits != 0) {
    const u8 command = state_.awaits;
    state_.awaits = 0;
    controller_data(command, v);
    return;
  }
  keyboard_command(v);
}

void KeyboardController::keyboard_command(u8 v) {
  if (state_.keyboard_awaits != 0) {
    const u8 command = state_.keyboard_awaits;
    state_.keyboard_awaits = 0;
    answer(kAck);
    if (command == kScanCodeSet && v == 0) answer(2);
    return;
  }
  switch (v) {
    case kEcho:
      answer(kEcho);
      break;
    case kIdentify:
      answer(kAck);
      answer(0xab);
      answer(0x83);
      break;
    case kResetKeyboard:
      answer(kAck);
      answer(kKeyboardTestPassed);
      break;
    case kSetLeds:
    case kScanCodeSet:
    case kSetRate:
      state_.keyboard_awaits = v;
      answer(kAck);
      break;
    default:
      unimplemented_.of_kind(fmt::format("k{:x}", v), "i8042: keyboard command {:#04x}", v);
      answer(kAck);
      break;
  }
}

}  // namespace backplane::pc
