// SPDX-License-Identifier: MIT
// Devices and the buses they sit on.
//
// A device's life: created (constructor chain from the root down) -> properties set -> realized
// (realize() runs the chain; each override calls its parent's) -> reset with the machine ->
// unrealized (in reverse) -> destroyed. All under the machine lock.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "backplane/object.h"

namespace backplane {

class Bus;
class Machine;

struct DeviceClass : ObjectClass {
  DeviceClass() = default;
  explicit DeviceClass(const ObjectClass& parent) : ObjectClass(parent) {}

  std::string bus_type;        // type name of the bus it sits on; empty: none
  std::string category;        // heading in `-device help`: "Storage", "Network", "Misc", ...
  bool user_creatable = true;  // false: only the board or another device makes it
  bool hotpluggable = true;
};

class Device : public Object {
  BACKPLANE_OBJECT(Device, Object, "device")
 public:
  using Class = DeviceClass;
  static void class_init(DeviceClass& k);

  const DeviceClass& device_class() const {
    return static_cast<const DeviceClass&>(object_class());
  }
  // The user's name for it (id=...), or empty.
  const std::string& id() const { return id_; }
  void set_id(std::string id) { id_ = std::move(id); }

  bool realized() const { return realized_; }
  // Runs realize() or unrealize(). If a step throws, what was done is undone (unrealize) and the
  // Error says which step failed. `bus` may be null for a device without one.
  void set_realized(Machine& machine, Bus* bus = nullptr);
  void set_unrealized();

  // Puts the device into operation; throws Error. An override calls its parent's first.
  virtual void realize();
  // Undoes realize(), also one that failed half-way. An override calls its parent's last.
  virtual void unrealize();
  // Back to the state at power-on. The default resets child buses.
  virtual void reset();

  Bus* bus() const { return bus_; }
  // Valid from realize() on.
  Machine& machine() const { return *machine_; }
  const std::vector<Bus*>& child_buses() const { return child_buses_; }

  // Text for `info qtree`, beyond properties ("addr 03.0, irq 11").
  virtual std::string describe() const { return {}; }

  void set_property(std::string_view name, std::string_view value) override;

 private:
  friend class Bus;
  std::string id_;
  bool realized_ = false;
  Machine* machine_ = nullptr;
  Bus* bus_ = nullptr;
  std::vector<Bus*> child_buses_;
};

// What devices plug into. Owned by the device that provides it (as a composition child).
class Bus : public Object {
  BACKPLANE_OBJECT(Bus, Object, "bus")
 public:
  static void class_init(ObjectClass&) {}

  // To be called once, by the owner's realize(), after add_child().
  void attach_to(Device& owner);
  Device* owner() const { return owner_; }
  const std::vector<Device*>& devices() const { return devices_; }
  ~Bus() override;

  // Called by Device::realize and unrealize. The bus checks the address the device asks for
  // (throws Error if in use or impossible).
  virtual void plug(Device& device);
  virtual void unplug(Device& device);
  // True if a further device fits.
  virtual bool has_room() const { return true; }
  // Resets the devices on it.
  virtual void reset();

 private:
  Device* owner_ = nullptr;
  std::vector<Device*> devices_;
};

// One printed step of `-d realize`: construct it first in each realize() override (and in other
// steps worth showing). On destruction it prints type, step, file and time, indented by depth.
class RealizeStep {
 public:
  RealizeStep(const Device& device, std::string_view step, const void* code_address);
  ~RealizeStep();
  RealizeStep(const RealizeStep&) = delete;
  RealizeStep& operator=(const RealizeStep&) = delete;

 private:
  const Device& device_;
  std::string step_;
  bool active_;
  long long start_ns_ = 0;
};

}  // namespace backplane

// Marks a step of the realize chain in the file that contains it.
#define BACKPLANE_REALIZE_STEP(text)                          \
  static const char backplane_step_anchor = 0;                \
  ::backplane::RealizeStep backplane_realize_step(*this, text, &backplane_step_anchor)
