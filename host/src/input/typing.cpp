// SPDX-License-Identifier: MIT
#include "input/typing.h"

#include "backplane/error.h"
#include "backplane/machine.h"

namespace backplane::host {

namespace {

constexpr std::size_t kMostGroups = 1024;
constexpr i64 kMillisecond = 1'000'000;
// From a group's release to the next one's press: a guest that looks now and then sees both.
constexpr i64 kPause = 10 * kMillisecond;

}  // namespace

Typing::Typing(Machine& machine, Inputs& inputs)
    : inputs_(inputs), timer_(machine.virtual_clock(), [this] { next(); }) {}

void Typing::type(std::vector<KeyCode> keys, u64 hold) {
  if (groups_.size() >= kMostGroups)
    throw Error::of("{} groups of keys wait to be typed already", groups_.size());
  groups_.push_back({std::move(keys), static_cast<i64>(hold) * kMillisecond});
  if (groups_.size() == 1) press();
}

void Typing::press() {
  for (const KeyCode key : groups_.front().keys) inputs_.key(key, true);
  inputs_.sync();
  pressed_ = true;
  timer_.arm_in(groups_.front().hold);
}

void Typing::next() {
  if (pressed_) {
    const std::vector<KeyCode>& keys = groups_.front().keys;
    for (auto key = keys.rbegin(); key != keys.rend(); ++key) inputs_.key(*key, false);
    inputs_.sync();
    pressed_ = false;
    timer_.arm_in(kPause);
    return;
  }
  groups_.pop_front();
  if (!groups_.empty()) press();
}

}  // namespace backplane::host
