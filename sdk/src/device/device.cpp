// SPDX-License-Identifier: MIT
#include "backplane/device.h"

#include <algorithm>

#include "device/realize_trace.h"

namespace backplane {

namespace {

// Already says which step of which device failed; the devices around it leave it as it is.
struct RealizeError final : Error {
  explicit RealizeError(const Error& error) : Error(error) {}
};

// The exception being handled; what is no Error comes from a module that does not know better.
Error current_error() {
  try {
    throw;
  } catch (const Error& error) {
    return error;
  } catch (...) {
    return Error(current_exception_text());
  }
}

}  // namespace

void Device::class_init(DeviceClass&) {}

Device::~Device() {
  for (Bus* const bus : child_buses_) bus->owner_ = nullptr;
  if (bus_ != nullptr) std::erase(bus_->devices_, this);
}

void Device::set_realized(Machine& machine, Bus* bus) {
  if (realized_) return;
  machine_ = &machine;
  bus_ = bus;
  RealizeTrace::forget_failure();
  try {
    const RealizeTrace trace(*this, *object_class().type, "realized=true");
    run_chain();
    realized_ = true;
  } catch (const RealizeError&) {
    undo_chain();
    throw;
  } catch (...) {
    const Error error = current_error();
    const std::string step = RealizeTrace::failed_step();
    undo_chain();
    throw RealizeError(error.in(fmt::format("{}: {}", type_name(), step)));
  }
}

void Device::run_chain() {
  const std::string& wanted = device_class().bus_type;
  if (!wanted.empty() && (bus_ == nullptr || !bus_->object_class().is_a(wanted)))
    throw Error::of("it goes on a bus of type {}", wanted);
  if (bus_ != nullptr) bus_->plug(*this);
  const std::vector<RealizeStep>& steps = device_class().realize_steps;
  for (const RealizeStep& step : steps) {
    ++steps_begun_;
    if (step.realize == nullptr) continue;
    const RealizeTrace trace(*this, *step.type, "realize");
    step.realize(*this);
  }
  for (const RealizeStep& step : steps) {
    if (step.realized_all == nullptr) continue;
    const RealizeTrace trace(*this, *step.type, "realized all");
    step.realized_all(*this);
  }
}

void Device::undo_chain() {
  for (auto bus = child_buses_.rbegin(); bus != child_buses_.rend(); ++bus) {
    const std::vector<Device*> devices = (*bus)->devices();
    for (auto device = devices.rbegin(); device != devices.rend(); ++device)
      (*device)->set_unrealized();
  }
  const std::vector<RealizeStep>& steps = device_class().realize_steps;
  while (steps_begun_ != 0)
    if (const RealizeStep& step = steps[--steps_begun_]; step.unrealize != nullptr)
      step.unrealize(*this);
  if (bus_ != nullptr) {
    const std::vector<Device*>& plugged = bus_->devices();
    if (std::find(plugged.begin(), plugged.end(), this) != plugged.end()) bus_->unplug(*this);
  }
  bus_ = nullptr;
}

void Device::set_unrealized() {
  if (!realized_) return;
  undo_chain();
  realized_ = false;
}

void Device::set_value(std::string_view name, const Value& value) {
  if (realized_) {
    const Property* const row = object_class().find_property(name);
    if (row != nullptr && !row->dynamic)
      throw Error::of("{}.{}: cannot change once the device is realized", type_name(), name);
  }
  Object::set_value(name, value);
}

void Device::say_once(OncePerKind& lines, fmt::string_view format, fmt::format_args args) {
  lines.of_kind({format.data(), format.size()}, "{}: {}", type_name(), fmt::vformat(format, args));
}

void Device::reset() {
  for (const StateSection& section : object_class().sections)
    if (void* const subject = section.subject(*this)) section.reset(subject);
  for (Bus* const bus : child_buses_) bus->reset();
}

BACKPLANE_REGISTER_ABSTRACT(Device, .category = "Misc")

}  // namespace backplane
