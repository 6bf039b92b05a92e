// SPDX-License-Identifier: MIT
// Devices and the buses they sit on.
//
// A device's life: created (constructor chain from the root down) -> properties set -> realized
// (plugged into its bus; the chain of realize() from the root's down, then that of realized_all())
// -> reset with the machine -> unrealized (in reverse) -> destroyed. All under the machine lock, on
// the main thread; but for a reset that the guest asks the device or a bus for, which is on the
// thread of its vCPU.
//
// Each class says in realize() what it adds, and calls nobody's: the class object has the chain of
// its ancestors' callbacks, and the mechanism runs and traces it (`-d realize`).
#pragma once

#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "backplane/kind.h"
#include "backplane/log.h"
#include "backplane/object.h"
#include "backplane/room.h"

namespace backplane {

class Bus;
class Device;
class Machine;

// What -device chooses from. As in QEMU, "virtio-blk" stands for the one on PCI.
inline constexpr Kind kDeviceKind{.base = "device",
                                  .prefix = "",
                                  .suffix = "",
                                  .noun = "device",
                                  .option = "-device",
                                  .understood = "-pci"};

// What one class adds to the chain; null where it has nothing of its own.
struct RealizeStep {
  const TypeInfo* type = nullptr;
  void (*realize)(Device&) = nullptr;
  void (*realized_all)(Device&) = nullptr;
  void (*unrealize)(Device&) = nullptr;
};

struct DeviceClass : ObjectClass {
  DeviceClass() = default;
  explicit DeviceClass(const ObjectClass& parent) : ObjectClass(parent) {}

  std::string bus_type;        // type name of the bus it sits on; empty: none
  std::string category;        // heading in `-device help`: "Storage", "Network", "Misc", ...
  bool user_creatable = true;  // false: only the board or another device makes it
  bool hotpluggable = true;
  std::vector<RealizeStep> realize_steps;  // the root's first

  // For each class when it is made.
  template <class T, class ParentT>
  void add_realize_step(const TypeInfo& type);
  Room<8> room;
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
  // Runs the chain, or undoes it; does nothing if that is so already. If a step throws, what was
  // done is undone, and the Error says which step of which device failed. `bus` may be null for a
  // device that sits on none; throws Error if it is not one of the class's bus type.
  void set_realized(Machine& machine, Bus* bus = nullptr);
  void set_unrealized();

  // What a class does to put the device into operation; it is in its place, and what the parent's
  // class has, is there. Throws Error. Not to be called by others than the mechanism.
  void realize() {}
  // The same, when each class of the chain has done its part: what has to come last.
  void realized_all() {}
  // Undoes realize() and realized_all(), also one that failed half-way. The devices on child buses
  // are unrealized before.
  void unrealize() {}
  // Back to the state at power-on. Nothing may throw. The default resets what the class says to be
  // state, and child buses; an override calls it, and drives outputs anew.
  virtual void reset();

  Bus* bus() const { return bus_; }
  // The machine it is part of. Valid from realize() on.
  Machine& machine() const { return *machine_; }
  const std::vector<Bus*>& child_buses() const { return child_buses_; }

  // Text for `info qtree`, beyond properties ("addr 03.0, irq 11").
  virtual std::string describe() const { return {}; }

  // Refuses, once realized, to change a property that is not dynamic.
  void set_value(std::string_view name, const Value& value) override;

 protected:
  // Lines of -d guest_errors and -d unimp, each kind once; they begin with the device's type.
  template <class... Args>
  void guest_error(fmt::format_string<Args...> format, Args&&... args) {
    say_once(guest_errors_, format, fmt::make_format_args(args...));
  }
  template <class... Args>
  void unimplemented(fmt::format_string<Args...> format, Args&&... args) {
    say_once(unimplemented_, format, fmt::make_format_args(args...));
  }

 private:
  friend class Bus;
  void say_once(OncePerKind& lines, fmt::string_view format, fmt::format_args args);
  void run_chain();
  void undo_chain();
  std::string id_;
  bool realized_ = false;
  std::size_t steps_begun_ = 0;
  Machine* machine_ = nullptr;
  Bus* bus_ = nullptr;
  std::vector<Bus*> child_buses_;
  GuestErrors guest_errors_;
  Unimplemented unimplemented_;
  [[maybe_unused]] Room<4> room_;
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

  // Called when a device is realized, before its own steps, and unrealized. An override checks the
  // address the device asks for (throws Error if in use or impossible) before it calls this one.
  virtual void plug(Device& device);
  virtual void unplug(Device& device);
  // True if a further device fits.
  virtual bool has_room() const { return true; }
  // Resets the devices on it.
  virtual void reset();

  // --- while the machine runs
  // A device was added, realized and reset: the guest is to be told.
  virtual void hot_plugged(Device&) {}
  // Asks the guest to let go of a device; when it has, Machine::remove_device() is called. Throws
  // Error if nobody can be asked, or the device cannot be taken away; the default does.
  virtual void request_unplug(Device& device);

 private:
  friend class Device;
  Device* owner_ = nullptr;
  std::vector<Device*> devices_;
  [[maybe_unused]] Room<4> room_;
};

namespace detail {

// How a class says what it does, its parent's being what it does otherwise.
template <auto Own, auto Inherited, class T>
constexpr void (*own_callback())(Device&) {
  if constexpr (std::is_same_v<FunctionTag<Own>, FunctionTag<Inherited>>)
    return nullptr;
  else
    return [](Device& device) { (static_cast<T&>(device).*Own)(); };
}

}  // namespace detail

template <class T, class ParentT>
void DeviceClass::add_realize_step(const TypeInfo& type) {
  if constexpr (std::is_base_of_v<Device, ParentT>) {
    static_assert(
        requires {
          &T::realize;
          &T::realized_all;
          &T::unrealize;
        },
        "realize(), realized_all() and unrealize() of a device are public, and take nothing");
    const RealizeStep step{&type, detail::own_callback<&T::realize, &ParentT::realize, T>(),
                           detail::own_callback<&T::realized_all, &ParentT::realized_all, T>(),
                           detail::own_callback<&T::unrealize, &ParentT::unrealize, T>()};
    if (step.realize != nullptr || step.realized_all != nullptr || step.unrealize != nullptr)
      realize_steps.push_back(step);
  }
}

}  // namespace backplane
