// SPDX-License-Identifier: MIT
#include <algorithm>

#include "backplane/command.h"
#include "backplane/input.h"
#include "backplane/machine.h"

namespace backplane {

namespace {

constexpr std::string_view kButtons[] = {"left", "middle", "right",      "wheel-up",   "wheel-down",
                                         "side", "extra",  "wheel-left", "wheel-right"};

// The last one made that the guest listens to, or else the last one.
InputDevice* last_listening(const std::vector<InputDevice*>& devices) {
  for (auto at = devices.rbegin(); at != devices.rend(); ++at)
    if ((*at)->listens()) return *at;
  return devices.empty() ? nullptr : devices.back();
}

std::vector<InputDevice*> that_take(Machine& machine, unsigned what) {
  std::vector<InputDevice*> devices = objects_offering<InputDevice>(machine);
  std::erase_if(devices, [&](InputDevice* device) { return (device->takes() & what) == 0; });
  return devices;
}

}  // namespace

std::span<const std::string_view> pointer_button_names() { return kButtons; }

InputDevice* Inputs::keyboard() const {
  return last_listening(that_take(machine_, InputDevice::kKeys));
}

std::vector<InputDevice*> Inputs::pointers() const {
  return that_take(machine_, InputDevice::kMovement | InputDevice::kPosition);
}

InputDevice* Inputs::pointer() const {
  const std::vector<InputDevice*> devices = pointers();
  const auto chosen = std::find(devices.begin(), devices.end(), chosen_);
  return chosen != devices.end() ? *chosen : last_listening(devices);
}

bool Inputs::takes_position() const {
  const InputDevice* const device = pointer();
  return device != nullptr && (device->takes() & InputDevice::kPosition) != 0;
}

void Inputs::key(KeyCode code, bool down) {
  if (down)
    keys_down_.insert(code);
  else
    keys_down_.erase(code);
  if (InputDevice* const device = keyboard()) device->key(code, down);
}

void Inputs::button(PointerButton button, bool down) {
  if (down)
    buttons_down_.insert(button);
  else
    buttons_down_.erase(button);
  if (InputDevice* const device = pointer()) device->button(button, down);
}

void Inputs::move_by(i32 dx, i32 dy) {
  if (InputDevice* const device = pointer()) device->move_by(dx, dy);
}

void Inputs::move_to(u32 x, u32 y) {
  if (InputDevice* const device = pointer())
    device->move_to(std::min(x, InputDevice::kMostPosition),
                    std::min(y, InputDevice::kMostPosition));
}

void Inputs::sync() {
  InputDevice* const keys = keyboard();
  InputDevice* const pointing = pointer();
  if (keys != nullptr) keys->sync();
  if (pointing != nullptr && pointing != keys) pointing->sync();
}

void Inputs::release_all() {
  for (const KeyCode code : std::set<KeyCode>(keys_down_)) key(code, false);
  for (const PointerButton pressed : std::set<PointerButton>(buttons_down_)) button(pressed, false);
  sync();
}

}  // namespace backplane
