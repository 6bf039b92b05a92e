// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cassert>

#include "backplane/device.h"
#include "device/reset.h"

namespace backplane {

void Bus::attach_to(Device& owner) {
  assert(owner_ == nullptr);
  owner_ = &owner;
  owner.child_buses_.push_back(this);
}

Bus::~Bus() {
  for (Device* const device : devices_) device->bus_ = nullptr;
  if (owner_ != nullptr) std::erase(owner_->child_buses_, this);
}

void Bus::plug(Device& device) { devices_.push_back(&device); }

void Bus::unplug(Device& device) { std::erase(devices_, &device); }

void Bus::reset() {
  for (Device* const device : std::vector<Device*>(devices_))
    if (device->realized()) reset_or_end(*device);
}

void Bus::request_unplug(Device& device) {
  throw Error::of("{} on bus {} cannot be taken away while the machine runs", device.type_name(),
                  child_name());
}

BACKPLANE_REGISTER_ABSTRACT(Bus)

}  // namespace backplane
