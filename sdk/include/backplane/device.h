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

#include "backplane/kind.h"
#include "backplane/object.h"

namespace backplane {

class Bus;
class Machine;

// What -device chooses from.
inline constexpr Kind kDeviceKind{
    .base = "device", .prefix = "", .suffix = "", .noun = "device", .option = "-device"};

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
  ~Device() override;

  const DeviceClass& device_class() const {
    return static_cast<const DeviceClass&>(object_class());
  }
  // The user's name for it (id=...), or empty.
  const std::string& id() const { return id_; }
  void set_id(std::string id) { id_ = std::move(id); }

  bool realized() const { return realized_; }
  // Runs realize() or unrealize(); does nothing if that is so already. If a step throws, what was
  // done is undone (unrealize) and the Error says which step of which device failed. `bus` may be
  // null for a device without one.
  void set_realized(Machine& machine, Bus* bus = nullptr);
  void set_unrealized();

  // Puts the device into operation; throws Error. An override calls its parent's first. The
  // default plugs the device into its bus.
  virtual void realize();
  // Undoes realize(), also one that failed half-way. An override calls its parent's last. The
  // default unrealizes the devices on child buses, last one first, and leaves the bus.
  virtual void unrealize();
  // Back to the state at power-on. The default resets what the class says to be state, and child
  // buses; an override calls it, and drives outputs anew.
  virtual void reset();

  Bus* bus() const { return bus_; }
  // The machine it is part of. Valid from realize() on.
  Machine& machine() const { return *machine_; }
  const std::vector<Bus*>& child_buses() const { return child_buses_; }

  // Text for `info qtree`, beyond properties ("addr 03.0, irq 11").
  virtual std::string describe() const { return {}; }

  // Refuses, once realized, to change a property that is not dynamic.
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

  // To be called once, by the owner's realize(), after add_child(). A bus that a machine provides
  // itself has no owner and is not attached; the machine resets it.
  void attach_to(Device& owner);
  Device* owner() const { return owner_; }
  const std::vector<Device*>& devices() const { return devices_; }
  ~Bus() override;

  // Called by Device::realize and unrealize. An override checks the address the device asks for
  // (throws Error if in use or impossible) before it calls this one.
  virtual void plug(Device& device);
  virtual void unplug(Device& device);
  // True if a further device fits.
  virtual bool has_room() const { return true; }
  // Resets the devices on it.
  virtual void reset();

 private:
  friend class Device;
  Device* owner_ = nullptr;
  std::vector<Device*> devices_;
};

// One step of a realize chain: construct it first in each realize() override (and in other steps
// worth showing). `-d realize` prints a line for each, with type, step, the file that holds its
// code and the time it took, indented by depth. The lines stand in the order in which the steps
// began; since each carries its time, they are printed when the outermost step has ended. A step
// that an exception leaves is marked as failed, and the innermost one is named in the Error.
class RealizeStep {
 public:
  RealizeStep(const Device& device, std::string_view step, const void* code_address);
  ~RealizeStep();
  RealizeStep(const RealizeStep&) = delete;
  RealizeStep& operator=(const RealizeStep&) = delete;

 private:
  std::string step_;
  int exceptions_;    // under way when the step began
  std::size_t line_;  // in the trace
  long long start_ns_;
};

}  // namespace backplane

// Marks a step of the realize chain in the file that contains it.
#define BACKPLANE_REALIZE_STEP(text)           \
  static const char backplane_step_anchor = 0; \
  const ::backplane::RealizeStep backplane_realize_step(*this, text, &backplane_step_anchor)
