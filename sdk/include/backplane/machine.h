// SPDX-License-Identifier: MIT
// A machine: the board, its CPUs, memory and clocks. Whether it runs is run_control.h's, what a
// reset does reset_sequence.h's, and how far its launch is phase.h's.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <typeindex>
#include <typeinfo>
#include <utility>
#include <vector>

#include "backplane/accelerator.h"
#include "backplane/clock.h"
#include "backplane/cpu.h"
#include "backplane/cpu_topology.h"
#include "backplane/device.h"
#include "backplane/event.h"
#include "backplane/machine_lock.h"
#include "backplane/main_loop.h"
#include "backplane/memory.h"
#include "backplane/object.h"
#include "backplane/phase.h"
#include "backplane/reset_sequence.h"
#include "backplane/room.h"
#include "backplane/run_control.h"

namespace backplane {

// What -machine chooses from.
inline constexpr Kind kMachineKind{
    .base = "machine", .prefix = "", .suffix = "-machine", .noun = "machine", .option = "-machine"};

// What -drive if=NAME stands for on a machine, beyond if=virtio. The names outlive the class.
struct DriveInterface {
  const char* name;   // "ide"
  const char* disk;   // device with properties "drive", and what -drive says of devices
  const char* cdrom;  // the same for media=cdrom; null: there is none
  // Where the drive of a place (index=) goes: so many on each bus, "ide.0", "ide.1" and so on, by
  // the device's property "unit"; the places there are.
  const char* bus;
  unsigned units;
  unsigned places;
  // The drives are parts of the board, which has a property for each ("pflash0") and is told the id
  // of the node; else null.
  const char* board_property;
};

struct MachineClass : ObjectClass {
  MachineClass() = default;
  explicit MachineClass(const ObjectClass& parent) : ObjectClass(parent) {}

  std::string default_cpu;  // CPU model: "max"
  // The devices that options stand for; empty: it has none of the kind.
  std::string default_nic;     // -nic: "virtio-net-pci"
  std::string virtio_nic;      // -nic model=virtio
  std::string default_disk;    // -drive if=virtio: "virtio-blk-pci"
  std::string default_serial;  // -serial: "isa-serial", with properties "chardev" and "index"
  unsigned max_cpus = 1;
  u64 default_ram_size = 128ULL << 20;
  std::vector<CompatProperty> compat_properties;
  std::span<const DriveInterface> drive_interfaces;
  Room<2> room;
};

// What a board has only if it is wanted: it is provided as a service (Machine::provide).
class OptionalBuses {
 public:
  // A device is to go on a bus of this type, and there is none. The board may make what has one.
  // Before the machine is ready. Throws Error.
  virtual void add_bus(std::string_view type) = 0;

 protected:
  ~OptionalBuses() = default;
};

// What the command line says that a board needs. Set before init().
struct MachineConfig {
  u64 ram_size = 0;  // bytes; 0: the class's default
  CpuTopology topology;
  std::string cpu_model;  // "max,+avx2,-bmi1" as given; empty: the class's default
  std::string name;       // -name
  std::string uuid;       // -uuid, in its usual form; empty: not given
  bool start_stopped = false;
  bool will_load_state = false;  // -loadstate: nothing is booted
  // -incoming: until it was received, the machine runs elsewhere and uses the images of its disks.
  bool will_be_received = false;
};

// A board derives from it and builds itself in init(). Children of the tree: "unattached" (board
// devices), "peripheral" (devices with an id), "peripheral-anon".
class Machine : public Object {
  BACKPLANE_OBJECT(Machine, Object, "machine")
 public:
  using Class = MachineClass;
  static void class_init(MachineClass& k);
  Machine();
  ~Machine() override;
  const MachineClass& machine_class() const {
    return static_cast<const MachineClass&>(object_class());
  }

  // Takes the machine apart, in order: vCPUs stop, devices are unrealized and destroyed, the last
  // made first, then the accelerator goes. Whoever owns a machine calls it before destroying it,
  // while the board is whole. Main thread.
  void tear_down();

  MachineConfig& config() { return config_; }
  // How far its launch is; the accelerator is told when it is ready.
  LaunchPhases& phases() { return phases_; }
  // Whether it runs, and what ends or resets it.
  RunControl& run_control() { return run_control_; }
  // What managers are told of.
  Events& events() { return events_; }
  // What a reset does.
  ResetSequence& reset_sequence() { return reset_sequence_; }

  // Takes the accelerator, runs its init_machine() and keeps it as child "accel". Throws, and has
  // no accelerator then. The caller advances the phase.
  void set_accelerator(std::unique_ptr<Accelerator> accelerator);
  Accelerator& accelerator() const { return *accelerator_; }
  bool has_accelerator() const { return accelerator_ != nullptr; }

  // Builds the board: RAM, CPUs, chipset, firmware or kernel. Throws Error.
  virtual void init() = 0;
  // Called when all devices of the command line exist, before the first reset (ACPI tables, PCI
  // resources, boot image). Throws Error.
  virtual void finish() {}

  // --- what a board is made of -------------------------------------------------------------
  MemoryRegion& memory_root() { return *memory_root_; }  // guest-physical
  MemoryRegion& io_root() { return *io_root_; }          // port space, 64 KiB
  AddressSpace& memory() { return *memory_; }
  AddressSpace& io() { return *io_; }
  Clock& virtual_clock() { return virtual_clock_; }
  Clock& realtime_clock() { return realtime_clock_; }
  Clock& host_clock() { return host_clock_; }
  MainLoop& main_loop() { return main_loop_; }
  const std::vector<Cpu*>& cpus() const { return cpus_; }
  // The board adds each CPU, its properties set (apply_compat() included); it gets the next index,
  // is realized, and is given its vCPU by the accelerator. Throws Error.
  void add_cpu(std::unique_ptr<Cpu> cpu);

  // Creates, configures and realizes a board device under "unattached". Properties are applied
  // in order after compat properties. Throws Error, and leaves nothing behind.
  Device& create_device(std::string_view type,
                        const std::vector<std::pair<std::string, std::string>>& properties = {},
                        Bus* bus = nullptr);
  // What -device does: finds the type (loading its module), checks id and bus, applies compat
  // properties, sets properties, realizes on the bus named ("" : the first with room of the
  // type's bus). Once the machine is ready this is a hot-plug, and the device is reset. Throws
  // Error, and leaves nothing behind.
  Device& add_device(std::string_view type, const std::string& id, const std::string& bus,
                     const std::vector<std::pair<std::string, std::string>>& properties);
  // Unrealizes and destroys a device of add_device(), and reports it. Main thread; not from inside
  // a call of the device.
  void remove_device(Device& device);

  // Compat properties of accelerator and machine, and -global ones, for an object not yet set up.
  void apply_compat(Object& object);
  void add_global(CompatProperty property);  // user's -global: applied last
  // Those of add_global() that no object took.
  std::vector<CompatProperty> unused_globals() const;
  // All buses in the tree, board's first.
  std::vector<Bus*> buses() const;
  // The first bus of that name, or the one at that path; null if none.
  Bus* find_bus(std::string_view name_or_path) const;
  // A device by id or path; null if none. (Paths as Object::path() prints them.)
  Device* find_device(std::string_view id_or_path) const;

  void saving() override;
  void loaded() override;

  // What one part of the machine offers to others that know nothing of it but its type. Null if
  // nobody does. T is the type as it was provided.
  template <class T>
  T* service() const {
    return static_cast<T*>(find_service(typeid(T)));
  }
  // Until the machine is taken apart.
  template <class T>
  void provide(T& service) {
    add_service(typeid(T), &service);
  }

 protected:
  // Of the virtual clock, when what was loaded was saved: for the loaded() of a machine whose clock
  // has a source of its own.
  i64 loaded_time() const { return state_.virtual_time; }

 private:
  void* find_service(std::type_index type) const;
  void add_service(std::type_index type, void* service);

  MachineConfig config_;
  LaunchPhases phases_;
  Events events_;
  std::unique_ptr<MemoryRegion> memory_root_;
  std::unique_ptr<MemoryRegion> io_root_;
  std::unique_ptr<AddressSpace> memory_;
  std::unique_ptr<AddressSpace> io_;
  MainLoop main_loop_;
  Clock virtual_clock_{ClockType::Virtual};
  Clock realtime_clock_{ClockType::Realtime};
  Clock host_clock_{ClockType::Host};
  Accelerator* accelerator_ = nullptr;
  Subscription accelerator_ready_;
  std::vector<Cpu*> cpus_;
  RunControl run_control_{*this};
  ResetSequence reset_sequence_{*this};
  struct Global {
    CompatProperty property;
    bool used = false;
  };
  std::vector<Global> globals_;
  std::map<std::type_index, void*> services_;
  bool torn_down_ = false;
  struct State {
    i64 virtual_time = 0;  // of the clock, as it was saved
  };
  State state_;
  [[maybe_unused]] Room<4> room_;
};

}  // namespace backplane
