// SPDX-License-Identifier: MIT
// A machine: the board, its CPUs, memory, clocks, and the run state.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "backplane/accelerator.h"
#include "backplane/clock.h"
#include "backplane/cpu.h"
#include "backplane/cpu_topology.h"
#include "backplane/device.h"
#include "backplane/machine_lock.h"
#include "backplane/main_loop.h"
#include "backplane/memory.h"
#include "backplane/object.h"

namespace backplane {

class Chardev;

struct MachineClass : ObjectClass {
  MachineClass() = default;
  explicit MachineClass(const ObjectClass& parent) : ObjectClass(parent) {}

  std::string alias;        // "pc"
  std::string default_cpu;  // CPU model: "max"
  // The devices that options stand for; empty: it has none of the kind.
  std::string default_nic;     // -nic: "virtio-net-pci"
  std::string default_disk;    // -drive if=virtio: "virtio-blk-pci"
  std::string default_serial;  // -serial: "isa-serial", with properties "chardev" and "index"
  unsigned max_cpus = 1;
  u64 default_ram_size = 128ULL << 20;
  std::vector<CompatProperty> compat_properties;
};

// The phases of a launch, asserted to advance one by one.
enum class Phase { NoMachine, MachineCreated, AccelCreated, MachineInitialized, MachineReady };

// What follows when a guest resets its machine, turns it off, or reports that it has panicked.
enum class RebootAction { Reset, Shutdown };
enum class ShutdownAction { PowerOff, Pause };
enum class PanicAction { Pause, Shutdown, ExitFailure, None };
struct GuestActions {
  RebootAction reboot = RebootAction::Reset;
  ShutdownAction shutdown = ShutdownAction::PowerOff;  // also of a reset that is a shutdown
  PanicAction panic = PanicAction::Shutdown;
};

// What the command line says that a board needs. Set before init().
struct MachineConfig {
  u64 ram_size = 0;  // bytes; 0: the class's default
  CpuTopology topology;
  std::string cpu_model;  // "max,+avx2,-bmi1" as given; empty: the class's default
  std::string kernel;     // file names; empty: none
  std::string initrd;
  std::string append;
  std::string bios;
  std::string name;  // -name
  IcountOptions icount;
  GuestActions actions;
  bool start_stopped = false;
  bool will_load_state = false;  // -loadstate: nothing is booted
};

enum class RunState { Stopped, Running };
// Why a machine stands still: somebody wants it to; it cannot go on; a disk waits for its user; or
// its guest has panicked, or turned it off, and the user wants to see it as it is then.
enum class StopCause { Request, InternalError, IoError, GuestPanic, GuestShutdown };
// TripleFault: a processor has shut down, of which a PC's chipset makes a reset.
enum class ShutdownCause { Guest, HostRequest, HostSignal, GuestReset, TripleFault, Panic, Debug };

// The exit status of a machine that its guest's reset has ended. (isa-debug-exit gives odd ones, an
// error 1.)
inline constexpr int kGuestResetStatus = 2;

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
  Phase phase() const { return phase_; }
  // To the phase that follows; asserts that it does. MachineReady tells the accelerator.
  void advance(Phase next);

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

  // --- running ------------------------------------------------------------------------------
  RunState run_state() const { return run_state_.load(std::memory_order_acquire); }
  void start();  // machine lock held
  void stop();   // machine lock held; returns when every vCPU is outside guest code
  // Resets the devices (those of a bus after the device that owns it), then the CPUs, then calls
  // the on_reset() functions and gives the accelerator the new state. A running machine is stopped
  // meanwhile. Machine lock held, main thread.
  virtual void reset();
  void saving() override;
  void loaded() override;
  // Any thread: carried out by the main loop. Guest code stops at once (on the calling vCPU's
  // thread: as soon as the caller is back in the accelerator) and does not run on before. Causes
  // are Guest and TripleFault, which the user may want to be a shutdown, and HostRequest.
  void request_reset(ShutdownCause cause = ShutdownCause::Guest);
  // Carries out a reset that was requested, if one was and waits for the main loop. Machine lock
  // held, main loop's thread.
  void carry_out_reset();
  // Stops the machine and ends the main loop with that status. The first request counts. Where the
  // cause is the guest, the user may want the machine to be stopped instead.
  void request_shutdown(ShutdownCause cause, int exit_status = 0);
  // The guest says that it has panicked; does what the user wants then. Any thread.
  void report_panic();
  // Stops the machine for a reason of its own: it can be looked at, and continued. Any thread.
  void request_stop(StopCause cause);
  // Why it stands still, while it does. Machine lock held.
  StopCause stop_cause() const { return stop_cause_; }
  // Why the machine was shut down; nothing while it was not.
  std::optional<ShutdownCause> shutdown_cause() const { return shutdown_cause_; }
  // The power button: calls the board's handler on the main loop. Any thread.
  void request_powerdown();
  void set_powerdown_handler(std::function<void()> handler) { powerdown_ = std::move(handler); }
  // Called at the end of each reset, after devices (firmware tables back into RAM, boot state).
  void on_reset(std::function<void()> fn) { reset_hooks_.push_back(std::move(fn)); }
  // Called when the machine starts (true, before the first vCPU runs) and stops (false, after the
  // last one stood still).
  void on_run_state(std::function<void(bool running)> fn) {
    run_state_hooks_.push_back(std::move(fn));
  }

  // A named service that one part of the board offers to others without knowing them
  // ("fw_cfg", "isa-irqs"): a plain object in the tree. Null if none.
  Object* service(std::string_view name) const;
  void set_service(std::string name, Object& object);

 private:
  friend class VcpuThread;
  void kick_vcpus();
  void wait_for_vcpus();
  MachineConfig config_;
  Phase phase_ = Phase::MachineCreated;
  std::unique_ptr<MemoryRegion> memory_root_;
  std::unique_ptr<MemoryRegion> io_root_;
  std::unique_ptr<AddressSpace> memory_;
  std::unique_ptr<AddressSpace> io_;
  MainLoop main_loop_;
  Clock virtual_clock_{ClockType::Virtual};
  Clock realtime_clock_{ClockType::Realtime};
  Clock host_clock_{ClockType::Host};
  Accelerator* accelerator_ = nullptr;
  std::vector<Cpu*> cpus_;
  std::atomic<RunState> run_state_{RunState::Stopped};
  struct Global {
    CompatProperty property;
    bool used = false;
  };
  std::vector<Global> globals_;
  std::function<void()> powerdown_;
  std::vector<std::function<void()>> reset_hooks_;
  std::vector<std::function<void(bool)>> run_state_hooks_;
  struct State {
    i64 virtual_time = 0;  // of the clock, as it was saved
  };
  State state_;
  StopCause stop_cause_ = StopCause::Request;
  std::optional<ShutdownCause> shutdown_cause_;
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The machine class whose name (without "-machine") or alias is `name`, loading modules as needed;
// null if there is none. Throws Error if there is one that cannot be used.
const MachineClass* machine_find(std::string_view name);

}  // namespace backplane
