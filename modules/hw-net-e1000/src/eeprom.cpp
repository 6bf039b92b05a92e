// SPDX-License-Identifier: MIT
#include "eeprom.h"

#include <numeric>

#include "e1000_regs.h"

namespace backplane::e1000 {

namespace {

// [8254x §5.6 "EEPROM Address Map"]
enum Word : unsigned {
  kAddressWord = 0x00,
  kInitControl1 = 0x0a,
  kSubsystemId = 0x0b,
  kSubsystemVendorId = 0x0c,
  kDeviceIdWord = 0x0d,
  kVendorIdWord = 0x0e,
  kInitControl2 = 0x0f,
  kChecksum = 0x3f,
};
// Valid signature, identity taken from here; 3.3 V, auxiliary power.
constexpr u16 kInitControl1Value = 0x640b;
constexpr u16 kInitControl2Value = 0x3040;
constexpr u16 kSumOfAll = 0xbaba;

// A start bit, two of the operation, six of the address.
constexpr unsigned kCommandBits = 9;
constexpr u32 kRead = 0b110;
constexpr unsigned kAddressBits = 6;

}  // namespace

std::span<const StateMember> Eeprom::State::members() {
  static const StateMember kMembers[] = {
      member<&State::selected>("selected"),
      member<&State::clock>("clock"),
      member<&State::shifted>("shifted"),
      member<&State::bits>("bits", within(0, kCommandBits)),
      member<&State::reading>("reading"),
      member<&State::address>("address", within(0, kWords - 1)),
      member<&State::bits_out>("bits_out", within(0, 15)),
      member<&State::output>("output"),
  };
  return kMembers;
}

std::span<const StateMember> Eeprom::members() {
  static const StateMember kMembers[] = {member<&Eeprom::state_>("state")};
  return kMembers;
}

void Eeprom::set_contents(const MacAddress& mac) {
  words_ = {};
  for (unsigned i = 0; i < 3; ++i)
    words_[kAddressWord + i] = static_cast<u16>(mac.bytes[2 * i] | mac.bytes[2 * i + 1] << 8);
  words_[kInitControl1] = kInitControl1Value;
  words_[kSubsystemId] = kDevice;
  words_[kSubsystemVendorId] = kVendor;
  words_[kDeviceIdWord] = kDevice;
  words_[kVendorIdWord] = kVendor;
  words_[kInitControl2] = kInitControl2Value;
  const u16 sum = std::accumulate(words_.begin(), words_.end(), u16{0},
                                  [](u16 a, u16 b) { return static_cast<u16>(a + b); });
  words_[kChecksum] = static_cast<u16>(kSumOfAll - sum);
}

void Eeprom::drive(u32 eecd) {
  const bool selected = (eecd & kEecdCs) != 0;
  const bool clock = (eecd & kEecdSk) != 0;
  if (selected != state_.selected) {
    state_ = {.selected = selected, .clock = clock};
    return;
  }
  const bool rises = clock && !state_.clock;
  state_.clock = clock;
  if (selected && rises) clock_rises((eecd & kEecdDi) != 0);
}

void Eeprom::clock_rises(bool input) {
  if (state_.reading) {
    state_.output = (words_[state_.address] >> (15 - state_.bits_out) & 1) != 0;
    // A word is followed by the next one.
    if (++state_.bits_out != 16) return;
    state_.bits_out = 0;
    state_.address = (state_.address + 1) % kWords;
    return;
  }
  if (state_.bits == kCommandBits || (state_.bits == 0 && !input)) return;
  state_.shifted = state_.shifted << 1 | (input ? 1 : 0);
  if (++state_.bits != kCommandBits || state_.shifted >> kAddressBits != kRead) return;
  state_.reading = true;
  state_.address = state_.shifted % kWords;
  state_.output = false;  // a zero before the first bit
}

}  // namespace backplane::e1000
