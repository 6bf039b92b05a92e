// SPDX-License-Identifier: MIT
#include "i8042/i8042.h"

#include "i8042/scan_codes.h"

namespace backplane::pc {

namespace {

// Status register.
constexpr u8 kOutputFull = 0x01, kSystemFlag = 0x04, kCommandLast = 0x08, kUnlocked = 0x10,
             kAuxOutputFull = 0x20;
// Command byte.
constexpr u8 kKeyboardInterrupt = 0x01, kAuxInterrupt = 0x02, kSystem = 0x04,
             kKeyboardDisabled = 0x10, kAuxDisabled = 0x20, kTranslate = 0x40;

// Controller commands.
constexpr u8 kReadMode = 0x20, kWriteMode = 0x60, kDisableAux = 0xa7, kEnableAux = 0xa8,
             kTestAux = 0xa9, kSelfTest = 0xaa, kTestKeyboard = 0xab, kDisableKeyboard = 0xad,
             kEnableKeyboard = 0xae, kReadInput = 0xc0, kReadOutput = 0xd0, kWriteOutput = 0xd1,
             kWriteKeyboardBuffer = 0xd2, kWriteAuxBuffer = 0xd3, kWriteAux = 0xd4,
             kPulseOutput = 0xf0;
constexpr u8 kSelfTestPassed = 0x55, kTestPassed = 0x00;
constexpr u8 kOutputNotReset = 0x01, kOutputA20 = 0x02, kOutputKeyboardFull = 0x10,
             kOutputAuxFull = 0x20;

constexpr u8 kReleased = 0xf0, kReleaseBit = 0x80;

constexpr std::size_t kMostAnswers = 16;

}  // namespace

std::span<const StateMember> KeyboardController::State::members() {
  static const StateMember kMembers[] = {
      member<&State::answers>("answers", up_to(kMostAnswers)),
      member<&State::output>("output"),
      member<&State::full>("full"),
      member<&State::of_aux>("of_aux"),
      member<&State::mode>("mode"),
      member<&State::awaits>("awaits"),
      member<&State::released>("released"),
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

KeyboardController::KeyboardController(IrqLine keyboard_irq, IrqLine aux_irq, Ps2Device& keyboard,
                                       Ps2Device& aux, std::function<void()> reset_machine)
    : keyboard_irq_(keyboard_irq),
      aux_irq_(aux_irq),
      keyboard_(keyboard),
      aux_(aux),
      reset_machine_(std::move(reset_machine)) {
  keyboard_.on_data([this] { fill(); });
  aux_.on_data([this] { fill(); });
}

void KeyboardController::reset() {
  state_ = {};
  update_irqs();
}

void KeyboardController::answer(u8 byte) {
  if (state_.answers.size() < kMostAnswers) state_.answers.push_back(byte);
  fill();
}

void KeyboardController::update_irqs() {
  keyboard_irq_.set(state_.full && !state_.of_aux && (state_.mode & kKeyboardInterrupt) != 0);
  aux_irq_.set(state_.full && state_.of_aux && (state_.mode & kAuxInterrupt) != 0);
}

void KeyboardController::put(u8 byte, bool of_aux) {
  state_.output = byte;
  state_.of_aux = of_aux;
  state_.full = true;
  update_irqs();
}

// A release is told in set 2 by a prefix, in set 1 by a bit.
std::optional<u8> KeyboardController::from_keyboard() {
  std::optional<u8> byte = keyboard_.read();
  if (!byte || (state_.mode & kTranslate) == 0) return byte;
  if (*byte == kReleased) {
    state_.released = true;
    byte = keyboard_.read();
    if (!byte) return byte;
  }
  const u8 bit = std::exchange(state_.released, false) ? kReleaseBit : 0;
  return static_cast<u8>(translated(*byte) | bit);
}

void KeyboardController::fill() {
  if (state_.full) return;
  if (!state_.answers.empty()) {
    const u8 byte = state_.answers.front();
    state_.answers.erase(state_.answers.begin());
    return put(byte, false);
  }
  if ((state_.mode & kKeyboardDisabled) == 0)
    if (const auto byte = from_keyboard()) return put(*byte, false);
  if ((state_.mode & kAuxDisabled) == 0)
    if (const auto byte = aux_.read()) return put(*byte, true);
}

u8 KeyboardController::read_data() {
  if (!state_.full) return state_.output;
  const u8 byte = state_.output;
  state_.full = false;
  update_irqs();  // each byte has its own edge
  fill();
  return byte;
}

u8 KeyboardController::read_status() {
  return static_cast<u8>(kUnlocked | ((state_.mode & kSystem) != 0 ? kSystemFlag : 0) |
                         (state_.last_was_command ? kCommandLast : 0) |
                         (state_.full ? kOutputFull : 0) |
                         (state_.full && state_.of_aux ? kAuxOutputFull : 0));
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
      state_.mode |= kAuxDisabled;
      break;
    case kEnableAux:
      state_.mode &= static_cast<u8>(~kAuxDisabled);
      fill();
      break;
    case kTestAux:
    case kTestKeyboard:
      answer(kTestPassed);
      break;
    case kSelfTest:
      state_.mode |= kSystem;
      state_.answers.clear();
      state_.full = false;
      answer(kSelfTestPassed);
      break;
    case kDisableKeyboard:
      state_.mode |= kKeyboardDisabled;
      break;
    case kEnableKeyboard:
      state_.mode &= static_cast<u8>(~kKeyboardDisabled);
      fill();
      break;
    case kReadInput:
      answer(0x80);
      break;  // keyboard not locked
    case kReadOutput:
      answer(static_cast<u8>(kOutputNotReset | kOutputA20 |
                             (state_.full && !state_.of_aux ? kOutputKeyboardFull : 0) |
                             (state_.full && state_.of_aux ? kOutputAuxFull : 0)));
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
      update_irqs();
      fill();
      break;
    case kWriteOutput:
      if ((v & kOutputNotReset) == 0) reset_machine_();
      break;
    case kWriteKeyboardBuffer:
      answer(v);
      break;
    case kWriteAuxBuffer:
      put(v, true);
      break;
    default:
      state_.mode &= static_cast<u8>(~kAuxDisabled);
      aux_.write(v);
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
  // What is said to the keyboard opens its port.
  state_.mode &= static_cast<u8>(~kKeyboardDisabled);
  keyboard_.write(v);
}

}  // namespace backplane::pc
